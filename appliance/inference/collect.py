"""Outputs become candidates, bands become final detections. One thread of pipeline.py calls a `Collector`.

A batch is decoded as it comes; suppression within tiles and placing on the scene are done once for a whole band, which costs
a fraction of doing them batch by batch. Then the band is checkpointed, its seams settled, what is final handed to the sink.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from appliance.contracts.model_package import Manifest
from appliance.inference import band_file
from appliance.inference.backends.base import Outputs
from appliance.inference.band_file import FinishedBand
from appliance.inference.checkpoints import Checkpoints
from appliance.inference.feeder import Batch, ValidTile
from appliance.inference.plan import Band, Plan
from appliance.inference.resolver import Resolver
from appliance.vision.candidates import Candidates, Flags, Outlines, envelopes
from appliance.vision.decode import decoder
from appliance.vision.merge import suppress
from appliance.vision.ownership import Placed, place

Sink = Callable[[Candidates], int]
"""Takes final candidates in working pixels; how many of them became detections."""


@dataclass
class Tally:
    """How far the run is. Written by the collecting thread, read by the caller's."""

    tiles: int = 0
    skipped: int = 0
    bands: int = 0
    detections: int = 0
    resumed_at: int = 0
    resumed_fraction: float = 0.0


class Collector:
    def __init__(
        self, manifest: Manifest, plan: Plan, threshold: float, checkpoints: Checkpoints | None, sink: Sink
    ) -> None:
        self.tally = Tally()
        self._decode = decoder(manifest.decode)
        self._outlined = manifest.decode.kind == "instance-masks"
        self._threshold = threshold
        self._overlap = manifest.running_point.overlap
        self._plan = plan
        self._starts = np.array([(t.x, t.y) for t in map(plan.tile, range(len(plan.grid)))], np.float64)
        self._resolver = Resolver(self._overlap)
        self._checkpoints = checkpoints
        self._sink = sink
        self._parts: list[Candidates] = []

    def resume(self) -> int:
        """Take the bands that were finished before; the first that was not."""
        for band in self._plan.bands:
            data = self._checkpoints.load(band.index) if self._checkpoints else None
            finished = band_file.load(data, self._plan.fingerprint) if data is not None else None
            if finished is None:
                break
            self.tally.tiles += band.tiles - finished.skipped
            self._settle(band, finished)
        self.tally.resumed_at = self.tally.bands
        self.tally.resumed_fraction = (self.tally.tiles + self.tally.skipped) / max(1, len(self._plan.grid))
        return self.tally.bands

    def batch(self, batch: Batch, outputs: Outputs) -> None:
        found = self._decode(outputs, self._threshold)
        if any(mask is not None for mask in batch.valid):
            found = found.take(_on_data(found, batch.valid))
        if len(found):
            self._parts.append(self._moved(found, batch.tiles))
        self.tally.tiles += len(batch.tiles)

    def band_end(self, band: Band, skipped: int) -> None:
        """All of the band's batches have been taken; what a batch held of the next band stays for it."""
        found = Candidates.concatenate(self._parts) if self._parts else Candidates.none(self._outlined)
        row, column = np.divmod(found.tile, len(self._plan.grid.columns))
        mine = (row >= band.first_row) & (row < band.end_row)
        mine &= (column >= band.first_column) & (column < band.end_column)
        self._parts = [] if mine.all() else [found.take(~mine)]
        found = found.take(mine)
        found = found.take(suppress(found, self._overlap))
        finished = FinishedBand(_ordered(place(found, self._plan.grid)), skipped)
        if self._checkpoints:
            self._checkpoints.save(band.index, band_file.dump(finished, self._plan.fingerprint))
        self._settle(band, finished)

    def _settle(self, band: Band, finished: FinishedBand) -> None:
        final = self._resolver.add(finished.placed, self._plan.frontier(band))
        keys: list[NDArray[Any]] = [final.classes, -final.scores, final.boxes[:, 0], final.boxes[:, 1]]
        order = np.lexsort(keys)
        self.tally.detections += self._sink(final.take(order))
        self.tally.skipped += finished.skipped
        self.tally.bands += 1

    def _moved(self, found: Candidates, tiles: tuple[int, ...]) -> Candidates:
        """From tile pixels and places in the batch to working pixels and numbers in the grid."""
        numbers = np.asarray(tiles, np.int64)[found.tile]
        start = self._starts[numbers]
        boxes = found.boxes.copy()
        boxes[:, :2] += start
        outlines = None
        if found.outlines is not None:
            shift = np.repeat(start, np.diff(found.outlines.offsets), axis=0)
            outlines = Outlines(found.outlines.offsets, found.outlines.points + shift)
        return Candidates(numbers, boxes, found.scores, found.classes, outlines)


def _ordered(placed: Placed) -> Placed:
    """The same candidates in one order, however they were batched."""
    boxes = placed.candidates.boxes
    keys = [placed.candidates.classes, boxes[:, 0], boxes[:, 1], placed.candidates.tile]
    return placed.take(np.lexsort(keys))


def _on_data(found: Candidates, valid: tuple[ValidTile | None, ...]) -> Flags:
    """Whether any pixel under the box's bounds holds data: the edge of the data is not an object."""
    kept = np.ones(len(found), np.bool_)
    bounds = envelopes(found.boxes)
    for place_, (tile, box) in enumerate(zip(found.tile, bounds, strict=True)):
        mask = valid[tile]
        if mask is not None:
            x0, y0 = np.maximum(np.floor(box[:2]).astype(int), 0)
            x1, y1 = np.maximum(np.ceil(box[2:]).astype(int), 0)
            kept[place_] = bool(mask[y0:y1, x0:x1].any())
    return kept
