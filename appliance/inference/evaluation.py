"""How right a detector is on a snapshot, through the inference it will run in. Called by `vedette evaluate` and by optimise.py.

Scenes are read whole, as a run reads them; what counts is what lies in the snapshot's windows.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from appliance.contracts.detection import PixelBox
from appliance.contracts.model_package import Manifest
from appliance.contracts.snapshot import SnapshotItem
from appliance.formats.snapshot import Snapshot, covers
from appliance.inference.backends.base import Backend
from appliance.inference.options import Hooks, PredictOptions, SceneSource
from appliance.inference.predict import fence_of, predict_scene
from appliance.inference.scene import open_scene
from appliance.vision import metrics

LEAST_SCORE = 0.02
_OVERLAPS = (0.4, 0.5)
METRICS = (*(f"{name}@{overlap}" for overlap in _OVERLAPS for name in ("f1", "precision", "recall")), "ap50", "ap")
"""Figures of `measure` that are better when higher."""


@dataclass(frozen=True)
class Objects:
    """Of one item, inside the snapshot's windows: boxes (n,4) x0,y0,x1,y1 in pixels, scores (n,), labels (n,) text."""

    boxes: NDArray[np.float64]
    scores: NDArray[np.float64]
    labels: NDArray[np.str_]


Pairs = list[tuple[Objects, Objects]]
"""(found, labelled) of every item."""


@dataclass(frozen=True)
class Reading:
    """How scenes are looked at. The threshold of `options` counts for nothing: scores far below it are kept."""

    manifest: Manifest
    backend: Backend
    options: PredictOptions = field(default_factory=PredictOptions)


def measure(pairs: Pairs, threshold: float) -> dict[str, float | int]:
    """Figures over every item. Only equal labels match; AP is over all scores."""
    figures: dict[str, float | int] = {
        "annotations": sum(len(true.boxes) for _, true in pairs),
        "detections": sum(int((found.scores >= threshold).sum()) for found, _ in pairs),
    }
    for overlap in _OVERLAPS:
        counts = scored(pairs, overlap).counts(threshold)
        figures[f"precision@{overlap}"] = counts.precision
        figures[f"recall@{overlap}"] = counts.recall
        figures[f"f1@{overlap}"] = counts.f1
    sweep = [metrics.average_precision(scored(pairs, float(overlap))) for overlap in metrics.COCO_OVERLAPS]
    figures["ap50"], figures["ap"] = sweep[0], float(np.mean(sweep))
    return figures


def scored(pairs: Pairs, overlap: float) -> metrics.Scored:
    """All items, matched at this IoU."""
    return metrics.Scored.joined(
        [
            metrics.Scored.of(
                found.scores,
                metrics.match(found.boxes, found.scores, true.boxes, overlap, found.labels, true.labels),
                len(true.boxes),
            )
            for found, true in pairs
        ]
    )


def found(
    held: Snapshot,
    item: SnapshotItem,
    manifest: Manifest,
    backend: Backend,
    cancelled: Callable[[], bool] = lambda: False,
) -> Objects:
    """What the detector finds in one item, down to scores far below any running point."""
    source = SceneSource(str(held.scene_path(item.item_id)), item.name)
    return found_in(source, item, Reading(manifest, backend), cancelled)


def found_in(
    source: SceneSource, item: SnapshotItem, reading: Reading, cancelled: Callable[[], bool] = lambda: False
) -> Objects:
    """As `found`, wherever the scene lies and however it is read."""
    manifest = reading.manifest
    options = replace(reading.options, threshold=min(LEAST_SCORE, manifest.running_point.threshold))
    with tempfile.TemporaryDirectory(prefix="vedette-") as place:
        file = Path(place) / "detections.parquet"
        predict_scene(source, manifest, reading.backend, file, options, Hooks(cancelled=cancelled))
        table = pq.read_table(file, columns=["x", "y", "width", "height", "angle_degrees", "score", "label"])
    rows = table.to_pylist()
    boxes = [PixelBox(**{key: row[key] for key in ("x", "y", "width", "height", "angle_degrees")}) for row in rows]
    return _inside(item, boxes, [row["score"] for row in rows], [row["label"] for row in rows])


def labelled(
    held: Snapshot, item: SnapshotItem, reading: Reading | None = None, source: SceneSource | None = None
) -> Objects:
    """What people say is there; with a reading whose options have a geofence, only where detections of it count."""
    mine = [each for each in held.annotations() if each.item_id == item.item_id]
    if reading is not None and source is not None and mine:
        fence = fence_of(reading.options, open_scene(source, reading.manifest))
        if fence is not None:
            kept = fence.holds(np.array([(each.box.x, each.box.y) for each in mine], np.float64))
            mine = [each for each, counts in zip(mine, kept, strict=True) if counts]
    return _inside(item, [each.box for each in mine], [1.0] * len(mine), [each.label for each in mine])


def _inside(item: SnapshotItem, boxes: list[PixelBox], scores: list[float], labels: list[str]) -> Objects:
    kept = [index for index, box in enumerate(boxes) if covers(item, box.x, box.y)]
    return Objects(
        np.array([metrics.envelope(boxes[index]) for index in kept], np.float64).reshape(-1, 4),
        np.array([scores[index] for index in kept], np.float64),
        np.array([labels[index] for index in kept], np.str_),
    )
