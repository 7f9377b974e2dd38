"""`optimise`: a variant of a package in lower precision, made, measured and put beside the model, or refused with its figures.

Called by `vedette detector optimise`. What the variant is made from is kept apart from what it is judged by: tiles to
calibrate on and layers to leave in float come from training and validation snapshots, the loss from one that it has never
met. Knows no graph and no command line.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from appliance.contracts.model_package import Precision, RunningPoint
from appliance.formats.model_package import ModelPackage
from appliance.formats.snapshot import Snapshot
from appliance.inference import evaluation, optimise_measures, optimise_package, snapshot_tiles
from appliance.inference.backends.base import Backend
from appliance.inference.evaluation import Pairs
from appliance.inference.optimise_candidates import Candidate, Making, candidates
from appliance.inference.optimise_checks import Snapshots, check_output, check_snapshots, chosen_metric
from appliance.inference.optimise_gate import Figures, Gate, check, same_count
from appliance.inference.optimise_measures import Runtime, Watch

_TILES = 32


@dataclass(frozen=True)
class Request:
    """`metric` and `version` None: the running point's own, and the next patch version."""

    package: ModelPackage
    precision: Precision
    snapshots: Snapshots
    gate: Gate = field(default_factory=Gate)
    metric: str | None = None
    version: str | None = None
    symmetric: bool = False


@dataclass(frozen=True)
class _Chosen:
    candidate: Candidate
    point: RunningPoint


def optimise(request: Request, runtime: Runtime, output: Path, watch: Watch = Watch()) -> tuple[ModelPackage, Figures]:
    """The package in `output` with one more variant, and what it was measured to be.

    Raises VedetteError: INVALID where the gate refuses it (the sentence holds the figures) or the snapshots share pixels;
    EMPTY, BANDS, GSD and so on for a snapshot that cannot be used; MODEL_PACKAGE for a model that cannot be lowered;
    CONFLICT for an output that exists; CANCELLED. `output` is then as it was.
    """
    package, given = request.package.at(Precision.FP32), request.snapshots
    check_output(output)
    check_snapshots(package.manifest, request.precision, given)
    metric = chosen_metric(package.manifest, request.metric)
    with (
        tempfile.TemporaryDirectory(prefix="vedette-") as folder,
        _loaded(runtime, package, package.model_path) as before,
    ):
        watch.step("read tiles")
        tiles = snapshot_tiles.read(given.calibration or given.measured, package.manifest, _TILES, watch.cancelled)
        making = Making(package, request.precision, request.symmetric, tiles, runtime, Path(folder))
        if given.validation is None:
            chosen = _first(making, watch)
        else:
            validation = _Validation.of(given.validation, package, metric, before, watch)
            chosen = _best(making, validation, request.gate.max_loss, watch)
        with _loaded(runtime, package, chosen.candidate.path) as after:
            sides = (
                _Side("fp32", before, package.manifest.running_point),
                _Side(str(making.precision), after, chosen.point),
            )
            values = [_value(side, given.measured, making, metric, watch) for side in sides]
            gained = optimise_measures.speed_up(before, after, tiles, watch)
        figures = Figures(request.precision, metric, values[0], values[1], gained, runtime.name)
        check(figures, request.gate)
        made = optimise_package.Made(request.precision, chosen.candidate, chosen.point, figures)
        calibration = given.calibration.digest if given.calibration else None
        origin = optimise_package.Origin(given.measured.digest, calibration, request.version)
        return optimise_package.write(request.package, made, origin, output), figures


@dataclass(frozen=True)
class _Validation:
    """The validation snapshot and what model.onnx finds on it: `value` of the metric at its own running point."""

    held: Snapshot
    metric: str
    found: Pairs
    value: float

    @staticmethod
    def of(held: Snapshot, package: ModelPackage, metric: str, backend: Backend, watch: Watch) -> _Validation:
        found = optimise_measures.pairs(held, package.manifest, backend, "validate fp32", watch)
        value = float(evaluation.measure(found, package.manifest.running_point.threshold)[metric])
        return _Validation(held, metric, found, value)

    def loss(self, found: Pairs, threshold: float) -> float:
        return self.value - float(evaluation.measure(found, threshold)[self.metric])

    def point(self, point: RunningPoint, found: Pairs) -> RunningPoint:
        before, after = optimise_measures.scores(self.found), optimise_measures.scores(found)
        threshold = same_count(before, point.threshold, after)
        return point.model_copy(update={"threshold": threshold, "chosen_on": self.held.digest})


def _first(making: Making, watch: Watch) -> _Chosen:
    candidate = next(candidates(making, watch))
    with _loaded(making.runtime, making.package, candidate.path) as backend:
        optimise_measures.check_finite(backend, making.tiles, str(making.precision))
    return _Chosen(candidate, making.package.manifest.running_point)


def _best(making: Making, validation: _Validation, max_loss: float, watch: Watch) -> _Chosen:
    """The first candidate that loses no more on the validation snapshot than allowed, else the one that loses least."""
    manifest = making.package.manifest
    seen: list[tuple[float, _Chosen]] = []
    for candidate in candidates(making, watch):
        with _loaded(making.runtime, making.package, candidate.path) as backend:
            optimise_measures.check_finite(backend, making.tiles, str(making.precision))
            found = optimise_measures.pairs(validation.held, manifest, backend, f"validate {candidate}", watch)
        point = validation.point(manifest.running_point, found)
        loss = validation.loss(found, point.threshold)
        seen.append((loss, _Chosen(candidate, point)))
        if loss <= max_loss:
            break
    return min(seen, key=lambda each: each[0])[1]


@dataclass(frozen=True)
class _Side:
    name: str
    backend: Backend
    point: RunningPoint


def _value(side: _Side, held: Snapshot, making: Making, metric: str, watch: Watch) -> float:
    found = optimise_measures.pairs(held, making.package.manifest, side.backend, f"measure {side.name}", watch)
    return float(evaluation.measure(found, side.point.threshold)[metric])


@contextmanager
def _loaded(runtime: Runtime, package: ModelPackage, path: Path) -> Iterator[Backend]:
    backend = runtime.load(path, package.manifest)
    try:
        yield backend
    finally:
        backend.close()
