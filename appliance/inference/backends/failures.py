"""What a library said when it failed, as the error a person sees. Pure; used by every backend, names no library.

Libraries raise a dozen unrelated classes with one line of text each, so the text is all there is to go by.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from appliance.contracts.errors import Code, VedetteError

_REBUILD = "Export the model again, or correct manifest.yaml."
_MEMORY = re.compile(
    r"out of memory|OUT_OF_MEMORY|bad_alloc|failed to allocate|AllocateRawInternal|can't allocate memory|not enough memory",
    re.IGNORECASE,
)
_DEVICE = re.compile(r"CUDA (failure|error)|device (is )?(lost|removed)|CUDNN_STATUS|CUBLAS_STATUS", re.IGNORECASE)
_LACKING = (
    re.compile(r"does not support the following ONNX operations: (?P<names>[\w., :]+)"),
    re.compile(r"[Nn]o conversion rule\S* found for operations: (?P<names>[\w., :]+)"),
    re.compile(r"Could not find an implementation for (?P<names>\w+)\("),
    re.compile(r"Converter is not implemented.*operation_type='(?P<names>\w+)'"),
    re.compile(r"onversion (not implemented )?for op_type=(?P<names>\w+)"),
    re.compile(r"(?P<names>\w+)\(-?\d+\) is not a registered function/op"),
)


class MemoryShortError(Exception):
    """The batch did not fit into the memory that the backend may use; a smaller one may."""


def on_opening(model: object, name: str, error: BaseException) -> VedetteError:
    """`name` is the library's, with its version."""
    operators = lacking(str(error))
    if operators:
        return VedetteError(
            Code.UNSUPPORTED,
            f"{name} lacks {', '.join(operators)}, which {model} uses.",
            "Let the backend be auto, which takes one that has them; or export the model without them.",
        )
    return VedetteError(Code.MODEL_PACKAGE, f"{model} cannot be loaded: {_line(error)}.", _REBUILD)


def other_input(model: object, inputs: Sequence[str], name: str) -> VedetteError:
    """The graph takes `inputs`, the manifest says `name`."""
    return VedetteError(Code.MODEL_PACKAGE, f"{model} takes {', '.join(inputs)}, not {name}.", _REBUILD)


def on_tiles(error: BaseException) -> VedetteError | MemoryShortError:
    """While the model looked at tiles."""
    if isinstance(error, VedetteError | MemoryShortError):
        return error
    said = _line(error)
    if isinstance(error, MemoryError) or _MEMORY.search(said):
        return MemoryShortError(said)
    if _DEVICE.search(said):
        return VedetteError(
            Code.UNAVAILABLE, f"The device failed: {said}.", "See the machine's log for the device.", retryable=True
        )
    return VedetteError(Code.MODEL_PACKAGE, f"The model failed on its tiles: {said}.", _REBUILD)


def lacking(said: str) -> list[str]:
    """The operators that a library names as missing, in its order; none where it complains of something else."""
    for pattern in _LACKING:
        if found := pattern.search(said):
            names = re.split(r"[,\s]+", found["names"])
            return list(dict.fromkeys(name.strip(" .:") for name in names if name.strip(" .:")))
    return []


def _line(error: BaseException) -> str:
    return (" ".join(str(error).split()) or type(error).__name__)[:300].rstrip(".")
