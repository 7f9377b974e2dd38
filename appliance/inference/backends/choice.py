"""Opens the backend that a model runs on: the one that is named, or with `auto` the fastest that finds the same as the
reference. Called by the worker, `vedette predict` and `vedette evaluate`. Nothing of a scene is known here.

`auto` measures once and remembers by key: the package, the libraries' versions, processor and cards, and what may be used.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from appliance.contracts.base import Sha256
from appliance.contracts.errors import VedetteError
from appliance.formats.model_package import ModelPackage
from appliance.inference.backends import catalogue, machine, ranking, remembered
from appliance.inference.backends.base import Allowance, Backend, warm_up
from appliance.inference.backends.catalogue import AUTO, REFERENCE, Built, Entry
from appliance.inference.backends.chosen import Chosen
from appliance.inference.backends.fitting import Fitting
from appliance.inference.backends.measure import measure
from appliance.inference.backends.ranking import Measured


@dataclass(frozen=True)
class Opened:
    """A backend that is warm, and the package as it runs there: its manifest says what tiles to hand over and how outputs
    become objects. Detector, recipe and running point are those of the package that was asked for."""

    package: ModelPackage
    backend: Backend


def open_backend(
    name: str,
    package: ModelPackage,
    allowance: Allowance = Allowance(),
    place: Path | None = None,
    built: Built = lambda _seconds: None,
) -> Opened:
    """`place` is the folder in which choices are remembered; None: that of the user. `built` is told the seconds of an
    engine's build, on another thread.

    Raises VedetteError: INVALID or UNSUPPORTED for the name, and what opening or warming up the model raises (base.Backend).
    """
    fitting = Fitting(package)
    try:
        if name == AUTO:
            return _automatic(catalogue.measurable(built), fitting, allowance, place or remembered.folder())
        return _opened(catalogue.named(name, built), fitting, allowance, "")
    except BaseException:
        fitting.close()
        raise


def _automatic(every: Sequence[Entry], fitting: Fitting, allowance: Allowance, place: Path) -> Opened:
    here = [entry for entry in every if not entry.missing()]
    reasons = {entry.name: _unready(entry, fitting, allowance) for entry in here}
    able = [entry for entry in here if not reasons[entry.name]]
    unready = [Measured(name=name, seconds=None, refusal=reason) for name, reason in reasons.items() if reason]
    if len(here) == 1:
        return _opened(here[0], fitting, allowance, f"auto chose {here[0].name}: no other can run here.")
    measured = [*recall(able, fitting, allowance, place), *unready]
    chosen = ranking.fastest(measured) or REFERENCE
    why = ranking.sentence(chosen, measured)
    by_name = {entry.name: entry for entry in able}
    try:
        return _opened(by_name[chosen], fitting, allowance, why)
    except VedetteError as error:
        if chosen == REFERENCE:
            raise
        why = f"{chosen} was the fastest but failed now: {error.reason.message.rstrip('.')}; {REFERENCE} serves."
        return _opened(by_name[REFERENCE], fitting, allowance, why)


def _unready(entry: Entry, fitting: Fitting, allowance: Allowance) -> str:
    return fitting.first(entry, lambda package: entry.unready(package, allowance))


def recall(able: Sequence[Entry], fitting: Fitting, allowance: Allowance, place: Path) -> list[Measured]:
    """What was measured of these before, or is now."""
    key = key_of(able, fitting.package, allowance)
    known = remembered.load(place, key)
    if known is not None:
        return known
    with remembered.measuring_alone(place):
        known = remembered.load(place, key)
        if known is not None:
            return known
        measured = measure(able, fitting, allowance)
        remembered.save(place, key, measured)
        return measured


def key_of(able: Sequence[Entry], package: ModelPackage, allowance: Allowance) -> Sha256:
    """Everything that which is fastest may depend on."""
    parts = {
        "package": package.digest,
        "precision": package.precision.value,
        "libraries": {entry.name: entry.version for entry in able},
        "processor": machine.processor(),
        "cards": machine.cards(),
        "on_card": _revision() if any(entry.device for entry in able) else 0,
        "allowance": [allowance.threads or machine.cores(), allowance.batch_size, allowance.device_memory_bytes],
    }
    return f"sha256:{hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()}"


def _revision() -> int:
    from appliance.inference.graphs import on_device  # onnx takes its time to load, and is needed for cards only

    return on_device.REVISION


def _opened(entry: Entry, fitting: Fitting, allowance: Allowance, why: str) -> Opened:
    """What was made for the backend is there for as long as it is open: an engine may be built of it later."""
    package, backend = fitting.first(entry, lambda package: (package, _warm(entry, package, allowance)))
    reasons = " ".join(filter(None, (why, fitting.why_not if entry.device else "")))
    return Opened(package, Chosen(backend, reasons, fitting.close))


def _warm(entry: Entry, package: ModelPackage, allowance: Allowance) -> Backend:
    backend = entry.open(package, allowance)
    try:
        warm_up(backend, package.manifest.input, allowance.batch_size if entry.device else 1)
    except BaseException:
        backend.close()
        raise
    return backend
