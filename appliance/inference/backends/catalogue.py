"""Which backends there are, and which of them could run on this machine. Asked by choice.py; imports a library only when its
backend is opened, so that one that is not installed, or does not load, takes nothing from the others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module, metadata, util
from pathlib import Path
from typing import Any

from appliance.contracts.errors import Code, VedetteError
from appliance.contracts.model_package import Manifest
from appliance.formats.model_package import ModelPackage
from appliance.inference.backends import machine
from appliance.inference.backends.base import Allowance, Backend

AUTO = "auto"
REFERENCE = "onnxruntime"
"""What every other is held against, and what serves where another cannot."""


Load = Callable[[Path, Manifest, Allowance], Backend]


@dataclass(frozen=True)
class Entry:
    """`missing` says why it cannot run here, nothing where it can. `distributions` hold the library: the first that is
    installed says the version. `device`: it runs on a card, whose first batches of each size are slow. One that is
    not `automatic` runs a model only where a person names it.

    A backend that has another serve until it is ready says in `unready` why it cannot be measured yet, and `measured` opens
    it alone: what serves in its place is never measured for it.

    `load` opens a model that lies in a file; where what runs is made of it first, that is made, and waited for.
    """

    name: str
    distributions: tuple[str, ...]
    missing: Callable[[], str]
    open: Callable[[ModelPackage, Allowance], Backend]
    load: Load
    device: bool = False
    automatic: bool = True
    unready: Callable[[ModelPackage, Allowance], str] = lambda _package, _allowance: ""
    measured: Callable[[ModelPackage, Allowance], Backend] | None = None

    @property
    def version(self) -> str:
        """Of the library, without importing it; empty where it is not installed."""
        for distribution in self.distributions:
            try:
                return f"{distribution} {metadata.version(distribution)}"
            except metadata.PackageNotFoundError:
                continue
        return ""


Built = Callable[[float], None]
"""Told the seconds that an engine's build took, where one is built."""


def entries(built: Built = lambda _seconds: None) -> tuple[Entry, ...]:
    """All of them, the reference first. torch is worth measuring only where it may have a card: on the processor it is there to
    be named, for it takes longer to load than a model to measure."""
    card = bool(machine.cards())
    return (
        _of_file(REFERENCE, ("onnxruntime", "onnxruntime-gpu"), _installed("onnxruntime"), _onnxruntime),
        _of_file("onnxruntime-cuda", ("onnxruntime-gpu",), _no_card, _onnxruntime_cuda, device=True),
        _of_file("openvino", ("openvino",), _installed("openvino"), _openvino),
        _of_file("torch", ("torch",), _installed("torch", "onnx2pytorch"), _torch, device=card, automatic=card),
        _engine("tensorrt", built),
        _engine("tensorrt-rtx", built),
    )


def measurable(built: Built = lambda _seconds: None) -> tuple[Entry, ...]:
    """Those among which `auto` chooses, whether or not they can run here."""
    return tuple(entry for entry in entries(built) if entry.automatic)


def names() -> tuple[str, ...]:
    return (AUTO, *(entry.name for entry in entries()))


def named(name: str, built: Built = lambda _seconds: None) -> Entry:
    """Raises VedetteError: INVALID where there is none of this name, UNSUPPORTED where it cannot run here."""
    found = next((entry for entry in entries(built) if entry.name == name), None)
    if found is None:
        raise VedetteError(Code.INVALID, f"There is no backend {name}.", f"Name one of {', '.join(names())}.")
    if reason := found.missing():
        raise VedetteError(Code.UNSUPPORTED, f"The backend {name} cannot run here: {reason}.", "Let it be auto.")
    return found


def studied(entry: Entry) -> Entry:
    """What looks into a graph where `entry` would first have to make something of it: the reference."""
    return entry if entry.measured is None else named(REFERENCE)


def able(name: str) -> tuple[str, ...]:
    """The backends that may run a model here when `name` is asked for: itself, or with `auto` all that can."""
    return tuple(entry.name for entry in measurable() if not entry.missing()) if name == AUTO else (name,)


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


def _of_file(
    name: str,
    distributions: tuple[str, ...],
    missing: Callable[[], str],
    load: Load,
    *,
    device: bool = False,
    automatic: bool = True,
) -> Entry:
    def opened(package: ModelPackage, allowance: Allowance) -> Backend:
        return load(package.model_path, package.manifest, allowance)

    return Entry(name, distributions, missing, opened, load, device, automatic)


def _onnxruntime(model: Path, manifest: Manifest, allowance: Allowance) -> Backend:
    opened: Backend = _backend("onnxruntime").OnnxRuntimeBackend(model, manifest, allowance.threads)
    return opened


def _onnxruntime_cuda(model: Path, manifest: Manifest, allowance: Allowance) -> Backend:
    opened: Backend = _backend("onnxruntime").OnnxRuntimeBackend(
        model, manifest, allowance.threads, "cuda", allowance.device_memory_bytes
    )
    return opened


def _openvino(model: Path, manifest: Manifest, allowance: Allowance) -> Backend:
    opened: Backend = _backend("openvino").OpenVinoBackend(model, manifest, allowance.threads)
    return opened


def _torch(model: Path, manifest: Manifest, allowance: Allowance) -> Backend:
    opened: Backend = _backend("torch").TorchBackend(model, manifest, allowance.threads, allowance.device_memory_bytes)
    return opened


def _engine(name: str, built: Built) -> Entry:
    """TensorRT, with ONNX Runtime until the engine is there. Where no engine is asked for, nothing of engines is imported."""

    def missing() -> str:
        from appliance.inference.engines import opening
        from appliance.inference.engines.spec import Library

        return opening.missing(Library(name))

    def unready(package: ModelPackage, allowance: Allowance) -> str:
        from appliance.inference.engines import opening
        from appliance.inference.engines.spec import Library

        return opening.not_built(package, opening.asked_for(Library(name), package.precision, allowance))

    def measured(package: ModelPackage, allowance: Allowance) -> Backend:
        from appliance.inference.engines import opening
        from appliance.inference.engines.spec import Library

        asked = opening.asked_for(Library(name), package.precision, allowance)
        return opening.stored(package, allowance, asked)

    def served(package: ModelPackage, allowance: Allowance) -> Backend:
        from appliance.inference.engines import opening
        from appliance.inference.engines.spec import Library

        ours = _onnxruntime if _no_card() else _onnxruntime_cuda
        meanwhile = ours(package.model_path, package.manifest, allowance)
        try:
            asked = opening.asked_for(Library(name), package.precision, allowance)
            return opening.opened(package, meanwhile, allowance, asked, built)
        except BaseException:
            meanwhile.close()
            raise

    def load(model: Path, manifest: Manifest, allowance: Allowance) -> Backend:
        from appliance.inference.engines import opening
        from appliance.inference.engines.spec import Library

        return opening.of_file(model, manifest, allowance, Library(name))

    bindings = tuple(f"{name}-{cuda}-bindings" for cuda in ("cu13", "cu12"))
    return Entry(name, bindings, missing, served, load, device=True, unready=unready, measured=measured)
