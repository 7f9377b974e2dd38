"""`vedette evaluate --detector PACKAGE --snapshot DIR`: how right a model package is, through the inference it will run in.

Needs no server. Scenes are read whole, as a run reads them; what counts is what lies in the snapshot's windows.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import pyarrow.parquet as pq
import typer
from numpy.typing import NDArray

from appliance.cli import progress
from appliance.cli.output import Output, align
from appliance.contracts.detection import PixelBox
from appliance.contracts.snapshot import SnapshotItem
from appliance.formats import model_package, snapshot
from appliance.formats.model_package import ModelPackage
from appliance.formats.snapshot import Snapshot, covers
from appliance.inference.backends import catalogue, choice
from appliance.inference.backends.base import Allowance, Backend
from appliance.inference.options import Hooks, PredictOptions, SceneSource
from appliance.inference.predict import predict_scene
from appliance.vision import metrics

_LEAST_SCORE = 0.02
_OVERLAPS = (0.4, 0.5)


def command(
    detector: Annotated[Path, typer.Option("--detector", "-d", help="Model package folder.")],
    folder: Annotated[Path, typer.Option("--snapshot", help="Snapshot folder, as `vedette dataset pull` writes it.")],
    threshold: Annotated[float | None, typer.Option(min=0, max=1, help="Default: the package's own.")] = None,
    threads: Annotated[int, typer.Option(min=0, max=1024, help="Processor threads; 0 for all.")] = 0,
    backend_name: Annotated[
        str, typer.Option("--backend", help=f"What runs the model: {', '.join(catalogue.names())}.")
    ] = catalogue.AUTO,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Measure a model package on a snapshot: precision, recall, F1 and average precision."""
    package, held = model_package.read(detector), snapshot.read(folder)
    least = package.manifest.running_point.threshold if threshold is None else threshold
    backend = choice.open_backend(backend_name, package, Allowance(threads))
    output = Output(as_json)
    with progress.on(output) as show:
        pairs = []
        for number, item in enumerate(held.manifest.items):
            show.show("evaluate", item.name, number / len(held.manifest.items))
            pairs.append((_found(held, item, package, backend), _labelled(held, item)))
    figures = measure(pairs, least)
    rows = [(name, f"{value:.4f}" if isinstance(value, float) else str(value)) for name, value in figures.items()]
    output.result(
        {"detector": package.digest, "snapshot": held.digest, "threshold": least, "figures": figures},
        f"{package.manifest.name} {package.manifest.version} on {held.digest}, threshold {least:g}\n"
        + align(("figure", "value"), rows),
    )


@dataclass(frozen=True)
class Objects:
    """Of one item, inside the snapshot's windows: boxes (n,4) x0,y0,x1,y1 in pixels, scores (n,), labels (n,) text."""

    boxes: NDArray[np.float64]
    scores: NDArray[np.float64]
    labels: NDArray[np.str_]


def measure(pairs: list[tuple[Objects, Objects]], threshold: float) -> dict[str, float | int]:
    """Figures over (found, labelled) of every item. Only equal labels match; AP is over all scores."""
    figures: dict[str, float | int] = {
        "annotations": sum(len(true.boxes) for _, true in pairs),
        "detections": sum(int((found.scores >= threshold).sum()) for found, _ in pairs),
    }
    for overlap in _OVERLAPS:
        counts = _scored(pairs, overlap).counts(threshold)
        figures[f"precision@{overlap}"] = counts.precision
        figures[f"recall@{overlap}"] = counts.recall
        figures[f"f1@{overlap}"] = counts.f1
    sweep = [metrics.average_precision(_scored(pairs, float(overlap))) for overlap in metrics.COCO_OVERLAPS]
    figures["ap50"], figures["ap"] = sweep[0], float(np.mean(sweep))
    return figures


def _scored(pairs: list[tuple[Objects, Objects]], overlap: float) -> metrics.Scored:
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


def _found(held: Snapshot, item: SnapshotItem, package: ModelPackage, backend: Backend) -> Objects:
    options = PredictOptions(threshold=_LEAST_SCORE)
    source = SceneSource(str(held.scene_path(item.item_id)), item.name)
    with tempfile.TemporaryDirectory(prefix="vedette-") as place:
        file = Path(place) / "detections.parquet"
        predict_scene(source, package.manifest, backend, file, options, Hooks())
        table = pq.read_table(file, columns=["x", "y", "width", "height", "angle_degrees", "score", "label"])
    rows = table.to_pylist()
    boxes = [PixelBox(**{key: row[key] for key in ("x", "y", "width", "height", "angle_degrees")}) for row in rows]
    return _inside(item, boxes, [row["score"] for row in rows], [row["label"] for row in rows])


def _labelled(held: Snapshot, item: SnapshotItem) -> Objects:
    mine = [each for each in held.annotations() if each.item_id == item.item_id]
    return _inside(item, [each.box for each in mine], [1.0] * len(mine), [each.label for each in mine])


def _inside(item: SnapshotItem, boxes: list[PixelBox], scores: list[float], labels: list[str]) -> Objects:
    kept = [index for index, box in enumerate(boxes) if covers(item, box.x, box.y)]
    return Objects(
        np.array([metrics.envelope(boxes[index]) for index in kept], np.float64).reshape(-1, 4),
        np.array([scores[index] for index in kept], np.float64),
        np.array([labels[index] for index in kept], np.str_),
    )
