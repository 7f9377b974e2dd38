"""What a catalogue of backends asks of engines: can they run here, and a backend for a package. Knows no catalogue."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from appliance.contracts.errors import Code, VedetteError
from appliance.contracts.model_package import Manifest, Precision
from appliance.formats.model_package import ModelPackage
from appliance.inference.backends.base import Allowance, Backend, warm_up
from appliance.inference.engines import cuda, device, libraries, obtain, request
from appliance.inference.engines.cache import Engine
from appliance.inference.engines.obtain import Watch
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
        backend = TensorRtBackend(engine, allowance)
        try:
            warm_up(backend, package.manifest.input, allowance.batch_size)
        except BaseException:
            backend.close()
            raise
        return backend

    wish = request.wish(package, asked)
    return ServedBackend(serving, request.cache(), wish, load, cannot_run=missing(asked.library), built=built)


def not_built(package: ModelPackage, asked: Asked) -> str:
    """Why there is no engine for `asked` to be measured now; nothing where there is one. Builds nothing."""
    try:
        found = request.cache().get(request.wish(package, asked).key)
    except VedetteError as error:
        return error.reason.message.rstrip(".")
    batch = "" if asked.batch == request.BATCH else f" --batch {asked.batch}"
    how = f"`vedette engine build --backend {asked.library} --precision {asked.precision}{batch}`"
    return "" if isinstance(found, Engine) else f"it has no engine of this model yet, which {how} makes"


def stored(package: ModelPackage, allowance: Allowance, asked: Asked) -> Backend:
    """The engine that is there, and nothing in its place. Raises VedetteError: UNSUPPORTED where there is none, and what
    TensorRtBackend raises."""
    from appliance.inference.backends.tensorrt import TensorRtBackend

    found = request.cache().get(request.wish(package, asked).key)
    if not isinstance(found, Engine):
        text = f"There is no engine of {package.manifest.name} {package.manifest.version} for this machine."
        raise VedetteError(Code.UNSUPPORTED, text, "Build it with `vedette engine build`.")
    return TensorRtBackend(found, allowance)


def of_file(model: Path, manifest: Manifest, allowance: Allowance, library: Library) -> Backend:
    """The engine of a graph that is in no package yet, built where there is none. Blocks for as long as that takes.

    Raises VedetteError as request.of_graph, obtain.obtain and TensorRtBackend do.
    """
    from appliance.inference.backends.tensorrt import TensorRtBackend

    wish = request.of_graph(model, manifest.input, asked_for(library, Precision.FP32, allowance))
    return TensorRtBackend(obtain.obtain(request.cache(), wish, Watch()).engine, allowance)


def asked_for(library: Library, precision: Precision, allowance: Allowance) -> Asked:
    """Any batch up to what is allowed: the usual engine where that does, else one that is fastest at the largest."""
    most = allowance.batch_size
    usual = most <= request.span(request.BATCH, "batch").most
    return Asked(library=library, precision=precision, batch=request.BATCH if usual else f"1:{most}:{most}")
