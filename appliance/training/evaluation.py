"""How good a model is on a snapshot, and the running point chosen there. Called by the loop and the package writer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from appliance.training.scenes import Scene
from appliance.training.tiles import Found, TileModel, find
from appliance.vision import metrics

_LEAST_SCORE = 0.02
_OVERLAPS = (0.2, 0.3, 0.4, 0.5, 0.6)


@dataclass(frozen=True)
class Choice:
    """A running point: score threshold, IoU above which two detections are one object, and the F1 they reach."""

    threshold: float
    overlap: float
    f1: float


Candidates = list[tuple[Scene, list[Found]]]
"""Per scene the unresolved candidates of each of its windows."""


def candidates(model: TileModel, scenes: list[Scene], tile_size: int, halo: int) -> Candidates:
    """Run the model once over every window of the snapshot; everything else is chosen afterwards."""
    return [
        (scene, [find(model, scene, window, tile_size, halo, _LEAST_SCORE) for window in scene.windows])
        for scene in scenes
    ]


class InterruptedEvaluationError(Exception):
    """Somebody wants to stop in the middle of an evaluation."""


def heeding(model: TileModel, stop: Callable[[], bool]) -> TileModel:
    """The same model, which raises InterruptedEvaluationError before the next batch of tiles once `stop` says so."""

    def run(tiles: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.int64]]:
        if stop():
            raise InterruptedEvaluationError
        return model(tiles)

    return run


def scored(found: Candidates, merge: float, match: float) -> metrics.Scored:
    """Candidates resolved at IoU `merge`, then matched to the annotations at IoU `match`."""
    parts = []
    for scene, windows in found:
        for window, raw in zip(scene.windows, windows, strict=True):
            kept, inside = raw.resolved(merge), scene.inside(window)
            truth, classes = scene.boxes[inside], scene.classes[inside]
            matched = metrics.match(kept.boxes, kept.scores, truth, match, kept.classes, classes)
            parts.append(metrics.Scored.of(kept.scores, matched, len(truth)))
    return metrics.Scored.joined(parts)


def search(found: Candidates, match: float) -> Choice:
    """The overlap of the highest average precision, then the threshold by `least_threshold`."""
    parts = {merge: scored(found, merge, match) for merge in _OVERLAPS}
    merge = max(_OVERLAPS, key=lambda each: metrics.average_precision(parts[each]))
    threshold, f1 = least_threshold(parts[merge])
    return Choice(threshold, merge, f1)


def least_threshold(part: metrics.Scored) -> tuple[float, float]:
    """The lowest threshold whose F1 cannot be told from the best one, and its F1; (0.5, 0) when nothing was found.

    The rule of one standard error (Breiman et al. 1984, Classification and Regression Trees, 3.4.3): the best F1 among
    hundreds of thresholds on some hundred objects is partly luck. Of those within one (binomial) standard error the
    lowest is taken because scores fall where a detector has never been, and recall falls with them.
    """
    line = metrics.curve(part)
    if not len(line.thresholds) or not part.truths:
        return 0.5, 0.0
    best = float(line.f1.max())
    error = float(np.sqrt(best * (1 - best) / part.truths))
    at = int(np.flatnonzero(line.f1 >= best - error)[-1])
    return float(np.floor(line.thresholds[at] * 1000) / 1000), float(line.f1[at])


def report(found: Candidates, choice: Choice) -> dict[str, float]:
    """The figures of one snapshot. AP is over all candidates, the others at the running point.

    ap: mean over IoU 0.50 to 0.95, ap50: at 0.5 (both COCO's 101 points); f1, precision and recall at IoU 0.4 and 0.5.
    """
    figures: dict[str, float] = {}
    sweep = [metrics.average_precision(scored(found, choice.overlap, float(t))) for t in metrics.COCO_OVERLAPS]
    figures["ap"], figures["ap50"] = float(np.mean(sweep)), sweep[0]
    for overlap in (0.4, 0.5):
        counts = scored(found, choice.overlap, overlap).counts(choice.threshold)
        figures[f"f1@{overlap}"] = counts.f1
        figures[f"precision@{overlap}"] = counts.precision
        figures[f"recall@{overlap}"] = counts.recall
    figures["annotations"] = float(sum(len(scene.boxes) for scene, _ in found))
    return {name: round(value, 4) for name, value in figures.items()}


def average_precision(found: Candidates, match: float) -> float:
    """COCO's 101-point AP at one IoU, candidates resolved at 0.5."""
    return metrics.average_precision(scored(found, 0.5, match))


def best_f1(found: Candidates, match: float) -> float:
    """The highest F1 over all thresholds, candidates resolved at 0.5: how training is going."""
    return float(metrics.curve(scored(found, 0.5, match)).f1.max(initial=0.0))
