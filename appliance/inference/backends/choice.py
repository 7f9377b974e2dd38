"""Opens the backend that a model runs on: the one that is named, or with `auto` the fastest that finds the same as the
reference. Called by the worker, `vedette predict` and `vedette evaluate`. Nothing of a scene is known here.

`auto` measures once and remembers by key: the package, the libraries' versions, processor and cards, and what may be used.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

from appliance.contracts.base import Sha256
from appliance.contracts.errors import VedetteError
from appliance.formats.model_package import ModelPackage
from appliance.inference.backends import catalogue, machine, ranking, remembered
from appliance.inference.backends.base import Allowance, Backend, warm_up
from appliance.inference.backends.catalogue import AUTO, REFERENCE, Built, Entry
from appliance.inference.backends.chosen import Chosen
from appliance.inference.backends.measure import measure
from appliance.inference.backends.ranking import Measured


def open_backend(
    name: str,
    package: ModelPackage,
    allowance: Allowance = Allowance(),
    place: Path | None = None,
    built: Built = lambda _seconds: None,
) -> Backend:
    """A backend that is warm. `place` is the folder in which choices are remembered; None: that of the user. `built` is
    told the seconds of an engine's build, on another thread.

    Raises VedetteError: INVALID or UNSUPPORTED for the name, and what opening or warming up the model raises (base.Backend).
    """
    if name == AUTO:
        return _automatic(catalogue.measurable(built), package, allowance, place or remembered.folder())
    return _warm(catalogue.named(name, built), package, allowance)


def _automatic(every: Sequence[Entry], package: ModelPackage, allowance: Allowance, place: Path) -> Backend:
    here = [entry for entry in every if not entry.missing()]
    reasons = {entry.name: entry.unready(package, allowance) for entry in here}
    able = [entry for entry in here if not reasons[entry.name]]
    unready = [Measured(name=name, seconds=None, refusal=reason) for name, reason in reasons.items() if reason]
    if len(here) == 1:
        why = f"auto chose {here[0].name}: no other can run here."
        return Chosen(_warm(here[0], package, allowance), why)
    measured = [*recall(able, package, allowance, place), *unready]
    chosen = ranking.fastest(measured) or REFERENCE
    return _opened(chosen, ranking.sentence(chosen, measured), able, package, allowance)


def recall(able: Sequence[Entry], package: ModelPackage, allowance: Allowance, place: Path) -> list[Measured]:
    """What was measured of these before, or is now."""
    key = key_of(able, package, allowance)
    known = remembered.load(place, key)
    if known is not None:
        return known
    with remembered.measuring_alone(place):
        known = remembered.load(place, key)
        if known is not None:
            return known
        measured = measure(able, package, allowance)
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
        "allowance": [allowance.threads or machine.cores(), allowance.batch_size, allowance.device_memory_bytes],
    }
    return f"sha256:{hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()}"


def _opened(chosen: str, why: str, able: Sequence[Entry], package: ModelPackage, allowance: Allowance) -> Backend:
    """The one that was chosen; the reference where that one no longer opens."""
    by_name = {entry.name: entry for entry in able}
    try:
        return Chosen(_warm(by_name[chosen], package, allowance), why)
    except VedetteError as error:
        if chosen == REFERENCE:
            raise
        why = f"{chosen} was the fastest but failed now: {error.reason.message.rstrip('.')}; {REFERENCE} serves."
        return Chosen(_warm(by_name[REFERENCE], package, allowance), why)


def _warm(entry: Entry, package: ModelPackage, allowance: Allowance) -> Backend:
    backend = entry.open(package, allowance)
    try:
        warm_up(backend, package.manifest.input, allowance.batch_size if entry.device else 1)
    except BaseException:
        backend.close()
        raise
    return backend
