"""Final candidates become rows: full-resolution boxes, labels, outlines on the earth, areas. Called by collect.py's sink.

Steps after the model and the geofence apply here, on whole objects.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import shapely
from numpy.typing import NDArray

from appliance.contracts.detection import PARQUET_COLUMNS
from appliance.contracts.model_package import Manifest
from appliance.inference.scene import Scene
from appliance.vision import clip
from appliance.vision.candidates import Candidates, Flags, Floats, Outlines, corners
from appliance.vision.geofence import PixelFence
from appliance.vision.steps import after

SCHEMA = pa.schema(
    [
        ("ordinal", pa.int64()),
        ("label", pa.string()),
        ("score", pa.float32()),
        ("x", pa.float64()),
        ("y", pa.float64()),
        ("width", pa.float64()),
        ("height", pa.float64()),
        ("angle_degrees", pa.float64()),
        ("area_square_metres", pa.float64()),
        ("geometry", pa.binary()),
    ]
)
assert tuple(SCHEMA.names) == PARQUET_COLUMNS  # noqa: S101  the contract and the file are one thing


class Finisher:
    """Makes rows of one scene's candidates. `unplaced` counts objects the projection had no answer for."""

    def __init__(self, scene: Scene, manifest: Manifest, fence: PixelFence | None) -> None:
        self.unplaced = 0
        self._scene = scene
        self._fence = fence
        self._labels = np.array([kind.label for kind in manifest.taxonomy], dtype=object)
        self._steps = after.steps(manifest.recipe)
        self._gsd = scene.georeference.gsd_metres(scene.width, scene.height)
        self._next = 0

    def rows(self, candidates: Candidates) -> pa.RecordBatch:
        """The rows of those that pass, numbered on from the last call's."""
        found = clip.to_scene(self._full_resolution(candidates), self._scene.width, self._scene.height)
        found = found.take(self._wanted(found))
        shapes, areas = self._outlines(found)
        placed = ~shapely.is_missing(shapes)
        self.unplaced += int((~placed).sum())
        found, shapes, areas = found.take(placed), shapes[placed], areas[placed]
        first, self._next = self._next, self._next + len(found)
        columns = [
            pa.array(np.arange(first, self._next)),
            pa.array(self._labels[found.classes], pa.string()),
            pa.array(found.scores),
            *(pa.array(np.ascontiguousarray(found.boxes[:, place])) for place in range(5)),
            pa.array(areas, from_pandas=True),
            pa.array(shapely.to_wkb(shapes), pa.binary()),
        ]
        return pa.RecordBatch.from_arrays(columns, schema=SCHEMA)

    def _full_resolution(self, candidates: Candidates) -> Candidates:
        across, down = self._scene.to_full
        boxes = candidates.boxes * [across, down, across, down, 1.0]
        outlines = candidates.outlines
        if outlines is not None:
            outlines = Outlines(outlines.offsets, outlines.points * [across, down])
        return Candidates(candidates.tile, boxes, candidates.scores, candidates.classes, outlines)

    def _wanted(self, found: Candidates) -> Flags:
        kept = (found.classes >= 0) & (found.classes < len(self._labels))
        for step in self._steps:
            kept &= step(found.boxes, self._gsd)
        if self._fence is not None:
            kept &= self._fence.holds(found.boxes[:, :2])
        return kept

    def _outlines(self, found: Candidates) -> tuple[NDArray[np.object_], Floats]:
        """Shapes (n,), None where the projection has no answer, and square metres (n,), NaN without georeference."""
        shapes, areas = self._scene.georeference.shapes(corners(found.boxes))
        if found.outlines is not None:
            for place in np.flatnonzero(np.diff(found.outlines.offsets) >= 3):
                ring = found.outlines.points[found.outlines.offsets[place] : found.outlines.offsets[place + 1]]
                shape, area = self._scene.georeference.shapes(ring[None])
                shapes[place], areas[place] = shape[0], area[0]
        return shapes, areas
