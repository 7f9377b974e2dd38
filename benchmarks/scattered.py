"""Detections all over one real scene, as many as one likes, as a detector worker writes them. Used by crowded_scene.py."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from appliance.contracts.model_package import Manifest
from appliance.inference.finish import Finisher
from appliance.inference.geoparquet import GeoParquetWriter
from appliance.inference.options import SceneSource
from appliance.inference.scene import open_scene
from appliance.vision.candidates import Candidates

_PIXELS = (8.0, 30.0)
"""Smallest and largest side of a detection."""


def write(path: Path, scene: Path, manifest: Manifest, count: int) -> None:
    """The GeoParquet file of `count` detections of the first class on the scene."""
    opened = open_scene(SceneSource(str(scene), scene.name), manifest)
    rows = Finisher(opened, manifest, None).rows(_anywhere(count, opened.width, opened.height))
    if rows.num_rows != count:
        raise SystemExit(f"{rows.num_rows} of {count} detections lie on {scene.name}.")
    with GeoParquetWriter(path, georeferenced=True) as writer:
        writer.write(rows)
        writer.finish()


def _anywhere(count: int, width: int, height: int) -> Candidates:
    """Upright boxes on `width` x `height` pixels, of random sizes, with scores from 0.3 up; the same for the same count."""
    random = np.random.default_rng(count)
    sides = random.uniform(*_PIXELS, (count, 2))
    centres = random.uniform(sides / 2, np.array([width, height]) - sides / 2)
    return Candidates(
        np.zeros(count, np.int64),
        np.column_stack([centres, sides, np.zeros(count)]),
        random.uniform(0.3, 1.0, count).astype(np.float32),
        np.zeros(count, np.int64),
    )
