"""Which TensorRT is installed, and its module. Used by request.py and compile.py; this file and backends/tensorrt.py
alone name the modules.

Versions are read from what pip wrote: importing the library loads hundreds of megabytes, and may end the process.
"""

from __future__ import annotations

from importlib import metadata
from typing import Any

from appliance.contracts.errors import Code, VedetteError
from appliance.inference.engines.spec import Flag, Library

_CUDAS = ("cu13", "cu12")
_EXTRA = "On a machine with an NVIDIA card install the extra `tensorrt`; ONNX Runtime serves without it."
OFFERED: dict[Library, frozenset[Flag]] = {
    Library.TENSORRT: frozenset(Flag),
    # Its version-compatible plans want a lean runtime that is not published with it.
    Library.RTX: frozenset({Flag.STRIPPED}),
}
"""The flags that a library takes. Stripped plans of TensorRT for RTX want a card at hand while they are built."""

WITH_TIMING_CACHE = frozenset({Library.TENSORRT})
"""TensorRT for RTX times nothing while it builds: it compiles kernels on the card, and has a runtime cache for these."""


def version(library: Library) -> str | None:
    """The installed version, by its bindings; None where the bindings or the library itself is missing."""
    for cuda in _CUDAS:
        try:
            found = metadata.version(f"{library}-{cuda}-bindings")
            metadata.version(f"{library}-{cuda}-libs")
        except metadata.PackageNotFoundError:
            continue
        return found
    return None


def needed_version(library: Library) -> str:
    """Raises VedetteError(UNSUPPORTED) where it is not installed."""
    found = version(library)
    if found is None:
        raise VedetteError(Code.UNSUPPORTED, f"{library.label} is not installed on this machine.", _EXTRA)
    return found


def load(library: Library) -> Any:
    """The module; the first import loads the library. Raises VedetteError(UNSUPPORTED) where it cannot be loaded."""
    try:
        if library is Library.RTX:
            import tensorrt_rtx_bindings as module
        else:
            import tensorrt_bindings as module
    except (ImportError, OSError) as error:
        reason = " ".join(str(error).split())[:200]
        raise VedetteError(Code.UNSUPPORTED, f"{library.label} cannot be loaded: {reason}.", _EXTRA) from error
    return module
