"""Which backends there are, and which of them could run on this machine. Asked by choice.py; imports a library only when its
backend is opened, so that one that is not installed, or does not load, takes nothing from the others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module, metadata, util
from typing import Any

from appliance.contracts.errors import Code, VedetteError
from appliance.formats.model_package import ModelPackage
from appliance.inference.backends import machine
from appliance.inference.backends.base import Allowance, Backend

AUTO = "auto"
REFERENCE = "onnxruntime"
"""What every other is held against, and what serves where another cannot."""


@dataclass(frozen=True)
class Entry:
    """`missing` says why it cannot run here, nothing where it can. `distributions` hold the library: the first that is
    installed says the version. `device`: it runs on a card, whose first batches of each size are slow. One that is not
    `measured` runs a model only where a person names it."""

    name: str
    distributions: tuple[str, ...]
    missing: Callable[[], str]
    open: Callable[[ModelPackage, Allowance], Backend]
    device: bool = False
    measured: bool = True

    @property
    def version(self) -> str:
        """Of the library, without importing it; empty where it is not installed."""
        for distribution in self.distributions:
            try:
                return f"{distribution} {metadata.version(distribution)}"
            except metadata.PackageNotFoundError:
                continue
        return ""


def entries() -> tuple[Entry, ...]:
    """All of them, the reference first. torch is worth measuring only where it may have a card: on the processor it is there to
    be named, for it takes longer to load than a model to measure."""
    card = bool(machine.cards())
    return (
        Entry(REFERENCE, ("onnxruntime", "onnxruntime-gpu"), _installed("onnxruntime"), _onnxruntime),
        Entry("onnxruntime-cuda", ("onnxruntime-gpu",), _no_card, _onnxruntime_cuda, device=True),
        Entry("openvino", ("openvino",), _installed("openvino"), _openvino),
        Entry("torch", ("torch",), _installed("torch", "onnx2pytorch"), _torch, device=card, measured=card),
    )


def measurable() -> tuple[Entry, ...]:
    """Those among which `auto` chooses, whether or not they can run here."""
    return tuple(entry for entry in entries() if entry.measured)


def names() -> tuple[str, ...]:
    return (AUTO, *(entry.name for entry in entries()))


def named(name: str) -> Entry:
    """Raises VedetteError: INVALID where there is none of this name, UNSUPPORTED where it cannot run here."""
    found = next((entry for entry in entries() if entry.name == name), None)
    if found is None:
        raise VedetteError(Code.INVALID, f"There is no backend {name}.", f"Name one of {', '.join(names())}.")
    if reason := found.missing():
        raise VedetteError(Code.UNSUPPORTED, f"The backend {name} cannot run here: {reason}.", "Let it be auto.")
    return found


def _installed(*modules: str) -> Callable[[], str]:
    return lambda: next((f"{module} is not installed" for module in modules if not util.find_spec(module)), "")


def _backend(file: str) -> Any:
    """A module of this package. Raises VedetteError(UNSUPPORTED) where its library does not load."""
    try:
        return import_module(f"appliance.inference.backends.{file}")
    except (ImportError, OSError) as error:
        said = " ".join(str(error).split())[:300].rstrip(".")
        raise VedetteError(
            Code.UNSUPPORTED, f"The library of the backend {file} does not load: {said}.", "Let the backend be auto."
        ) from error


def _no_card() -> str:
    return "" if _backend("onnxruntime").usable_gpus() else "no NVIDIA card that this ONNX Runtime can compute on"


def _onnxruntime(package: ModelPackage, allowance: Allowance) -> Backend:
    opened: Backend = _backend("onnxruntime").OnnxRuntimeBackend(
        package.model_path, package.manifest, allowance.threads
    )
    return opened


def _onnxruntime_cuda(package: ModelPackage, allowance: Allowance) -> Backend:
    opened: Backend = _backend("onnxruntime").OnnxRuntimeBackend(
        package.model_path, package.manifest, allowance.threads, "cuda", allowance.device_memory_bytes
    )
    return opened


def _openvino(package: ModelPackage, allowance: Allowance) -> Backend:
    opened: Backend = _backend("openvino").OpenVinoBackend(package.model_path, package.manifest, allowance.threads)
    return opened


def _torch(package: ModelPackage, allowance: Allowance) -> Backend:
    opened: Backend = _backend("torch").TorchBackend(
        package.model_path, package.manifest, allowance.threads, allowance.device_memory_bytes
    )
    return opened
