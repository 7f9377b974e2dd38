"""A PNG that shows a scene with its detections drawn. Called by `vedette predict --preview`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray
from rasterio.enums import Resampling

from appliance.contracts.errors import Code, VedetteError
from appliance.contracts.model_package import Manifest
from appliance.inference.options import SceneSource
from appliance.inference.scene import open_scene, opened
from appliance.vision.candidates import corners
from appliance.vision.stretch import percentiles

_LONGEST = 2048
_SHORTEST = 1000
_COLOURS = [(0, 215, 255), (255, 128, 0), (0, 255, 128), (255, 0, 255), (255, 255, 0), (80, 80, 255)]
"""Blue, green, red, by the label's place in the taxonomy."""


def write(scene: SceneSource, manifest: Manifest, detections: Path, target: Path) -> None:
    """Draw the boxes of `detections` (GeoParquet) on the scene, at most 2,048 pixels on its longer side."""
    image, scale = _picture(scene, manifest)
    colours = {kind.label: _COLOURS[place % len(_COLOURS)] for place, kind in enumerate(manifest.taxonomy)}
    columns = ["label", "x", "y", "width", "height", "angle_degrees"]
    thickness = max(1, round(max(image.shape[:2]) / 1000))
    for batch in pq.ParquetFile(detections, pre_buffer=False).iter_batches(columns=columns):
        boxes = np.stack([batch.column(name).to_numpy() for name in columns[1:]], axis=1)
        rings = np.rint(corners(boxes) * scale * 8).astype(np.int32)
        for ring, label in zip(rings, batch.column("label").to_pylist(), strict=True):
            cv2.polylines(image, [ring], True, colours[label], thickness, cv2.LINE_AA, shift=3)
    _, encoded = cv2.imencode(".png", image)
    try:
        target.write_bytes(encoded.tobytes())
    except OSError as error:
        raise VedetteError(Code.DISK, f"{target} could not be written: {error}.", "Check the folder.") from error


def _picture(source: SceneSource, manifest: Manifest) -> tuple[NDArray[np.uint8], float]:
    """(rows, columns, 3) blue, green, red of the detector's first bands, and its pixels per full-resolution pixel."""
    scene = open_scene(source, manifest)
    longest = max(scene.width, scene.height)
    scale = min(1.0, _LONGEST / longest)
    size = (max(1, round(scene.height * scale)), max(1, round(scene.width * scale)))
    bands = scene.indexes[:3] if len(scene.indexes) >= 3 else scene.indexes[:1] * 3
    with opened(source, None) as dataset:
        resampling = Resampling.nearest if dataset.overviews(bands[0]) else Resampling.average
        pixels = dataset.read(bands, out_shape=(3, *size), resampling=resampling).transpose(1, 2, 0)
    if pixels.dtype != np.uint8:
        pixels = percentiles(pixels, np.ones(size, np.bool_), 2, 98).apply(pixels)
    picture: NDArray[Any] = np.ascontiguousarray(pixels[..., ::-1])
    larger = int(np.ceil(_SHORTEST / max(size)))
    if larger > 1:
        picture = cv2.resize(picture, None, fx=larger, fy=larger, interpolation=cv2.INTER_NEAREST)
    return picture, scale * larger
