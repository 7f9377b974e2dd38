"""What a catalogue of backends asks of engines: can they run here, and a backend for a package. Knows no catalogue."""

from __future__ import annotations

from collections.abc import Callable

from appliance.contracts.model_package import Precision
from appliance.formats.model_package import ModelPackage
from appliance.inference.backends.base import Allowance, Backend
from appliance.inference.engines import cuda, device, libraries, request
from appliance.inference.engines.cache import Engine
from appliance.inference.engines.request import Asked
from appliance.inference.engines.served import ServedBackend
from appliance.inference.engines.spec import NO_DEVICE, Library


def missing(library: Library) -> str:
    """Why engines of this library cannot run on this machine; nothing where they can."""
    if libraries.version(library) is None:
        return f"{library.label} is not installed"
    if reason := cuda.lacking():
        return reason
    return "NVML tells of no NVIDIA card" if device.here() == NO_DEVICE else ""


def opened(
    package: ModelPackage,
    serving: Backend,
    allowance: Allowance,
    asked: Asked,
    built: Callable[[float], None] = lambda _seconds: None,
) -> Backend:
    """`serving` (ONNX Runtime), which is owned from now on, until the engine for `asked` is there. `built`: build seconds.

    Raises VedetteError as request.wish and EngineCache do; `serving` is the caller's again then.
    """
    from appliance.inference.backends.tensorrt import TensorRtBackend

    def load(engine: Engine) -> Backend:
        return TensorRtBackend(engine, allowance)

    wish = request.wish(package, asked)
    return ServedBackend(serving, request.cache(), wish, load, cannot_run=missing(asked.library), built=built)


def asked_for(library: Library, precision: Precision, allowance: Allowance) -> Asked:
    """Any batch up to the worker's, fastest at the full one."""
    most = allowance.batch_size
    return Asked(library=library, precision=precision, batch=f"1:{most}:{most}")
