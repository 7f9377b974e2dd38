"""The backend as a worker of the detector will have it once its engine is there. Called by the engine Job and the gate Job.

A worker serves with ONNX Runtime while an engine is built; a Job waits for the engine, so that it speaks of what will run.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from threading import Event

from appliance.clients import logging
from appliance.contracts.errors import Code, VedetteError
from appliance.contracts.model_package import Manifest, Precision
from appliance.formats.model_package import ModelPackage
from appliance.inference.backends import catalogue, choice
from appliance.inference.backends.base import Allowance, Backend
from appliance.inference.backends.choice import Opened
from appliance.inference.backends.fitting import Fitting
from appliance.inference.worker_precision import next_wider

_ENGINES = ("tensorrt", "tensorrt-rtx")
_LOAD_SECONDS = 600.0
_PAUSE_SECONDS = 0.1


@dataclass(frozen=True)
class JobBackend(Opened):
    """In the precision that runs. `build_seconds`: of the engine, where one was built now."""

    build_seconds: float | None = None


def opened(whole: ModelPackage, name: str, wanted: Precision, allowance: Allowance, stopped: Event) -> JobBackend:
    """In the precision wanted, or the next wider that the package has and that loads.

    Raises VedetteError as choice.open_backend does, UNSUPPORTED where an engine was asked for by name and none loads.
    """
    tried = list(precisions(whole.manifest, wanted))
    for precision in tried[:-1]:
        try:
            return _opened(whole.at(precision), name, allowance, stopped)
        except VedetteError as error:
            if error.reason.retryable or error.reason.code is Code.CANCELLED:
                raise
            logging.get().warning("precision not used", precision=precision.value, reason=str(error.reason))
    return _opened(whole.at(tried[-1]), name, allowance, stopped)


def precisions(manifest: Manifest, wanted: Precision) -> Iterator[Precision]:
    """Those to try, narrowest first; FP32 is always the last."""
    precision = next_wider(manifest, wanted)
    while precision is not Precision.FP32:
        yield precision
        precision = next_wider(manifest, Precision.FP16) if precision is Precision.INT8 else Precision.FP32
    yield precision


def _opened(package: ModelPackage, name: str, allowance: Allowance, stopped: Event) -> JobBackend:
    with Fitting(package) as fitting:
        seconds = _build(fitting, name, allowance, stopped)
    opened = choice.open_backend(name, package, allowance)
    if name in _ENGINES:
        _await_engine(opened.backend, stopped)
    return JobBackend(opened.package, opened.backend, seconds)


def _build(fitting: Fitting, name: str, allowance: Allowance, stopped: Event) -> float | None:
    """Make the engines that may run, so that `auto` can measure them; one that cannot be made is left to the choice."""
    seconds = None
    for entry in catalogue.entries():
        if entry.name not in _ENGINES or name not in (catalogue.AUTO, entry.name) or entry.missing():
            continue
        try:
            seconds = _engine(entry.name, fitting.on_card, allowance, stopped.is_set)
        except VedetteError as error:
            if name != catalogue.AUTO or error.reason.code is Code.CANCELLED:
                raise
            logging.get().warning("engine not built", backend=entry.name, reason=str(error.reason))
    return seconds


def _engine(name: str, package: ModelPackage, allowance: Allowance, cancelled: Callable[[], bool]) -> float | None:
    from appliance.inference.engines import obtain, opening, request
    from appliance.inference.engines.spec import Library

    wish = request.wish(package, opening.asked_for(Library(name), package.precision, allowance))

    def progress(phase: str, fraction: float) -> None:
        logging.get().info("building engine", backend=name, phase=phase, fraction=round(fraction, 3))

    return obtain.obtain(request.cache(), wish, obtain.Watch(progress, cancelled)).build_seconds


def _await_engine(backend: Backend, stopped: Event) -> None:
    """Until the engine that is there has been loaded. Closes the backend where that does not come to pass."""
    deadline = time.monotonic() + _LOAD_SECONDS
    while backend.about.name not in _ENGINES and not getattr(backend, "settled", True):
        if stopped.is_set() or time.monotonic() > deadline:
            break
        time.sleep(_PAUSE_SECONDS)
    if backend.about.name not in _ENGINES:
        why = backend.about.why or "The engine was not loaded in time."
        backend.close()
        raise VedetteError(Code.UNSUPPORTED, why, "Choose another backend, or let it be auto.")
