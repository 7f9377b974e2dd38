"""As many detections as one likes, as a detector worker writes them: a forest at the density of real crowns (crowd.py).

Used by `vectors` and `ingest`. The forest stands in the georeference of the benchmarks' scenes, far beyond their edges where
need be; its rows come band by band, from north to south, as a worker finds them.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import shapely

from appliance.inference.finish import SCHEMA
from appliance.inference.geoparquet import GeoParquetWriter
from appliance.vision.georeference import Georeference
from benchmarks.crowd import CROWNS_FOR_A_MEGAPIXEL

CRS, TRANSFORM = "EPSG:32612", (0.1, 0.0, 528_000.0, 0.0, -0.1, 4_978_000.0)
_BAND_PIXELS = 1024


def side_pixels(count: int) -> int:
    """Of the square on which `count` crowns stand."""
    return int(np.ceil(np.sqrt(count / CROWNS_FOR_A_MEGAPIXEL) * 1000))


def write(path: Path, count: int) -> None:
    """Exactly `count` crowns as GeoParquet."""
    random, side = np.random.default_rng(count), side_pixels(count)
    georeference = Georeference.of(CRS, TRANSFORM, "the forest")
    bands = np.linspace(0, side, max(2, side // _BAND_PIXELS + 1))
    numbers = np.diff(np.round(np.linspace(0, count, len(bands))).astype(int))
    first = 0
    with GeoParquetWriter(path, georeferenced=True) as writer:
        for top, bottom, held in zip(bands[:-1], bands[1:], numbers, strict=True):
            writer.write(_band(random, georeference, (first, int(held)), (side, float(top), float(bottom))))
            first += int(held)
        writer.finish()


def tiles(count: int, zoom: int) -> list[tuple[int, int, int]]:
    """Of WebMercatorQuad, (z, x, y): all whose middle lies in a forest of `count` crowns, row by row."""
    side = side_pixels(count)
    corners = np.array([[0.0, 0.0], [side, side], [0.0, side], [side, 0.0]])
    lonlat = Georeference.of(CRS, TRANSFORM, "the forest").lonlat(corners)
    x = (lonlat[:, 0] / 360 + 0.5) * (1 << zoom)
    y = (0.5 - np.arcsinh(np.tan(np.radians(lonlat[:, 1]))) / (2 * np.pi)) * (1 << zoom)
    columns = range(int(np.ceil(x.min() - 0.5)), max(int(np.ceil(x.min() - 0.5)) + 1, int(np.floor(x.max() + 0.5))))
    rows = range(int(np.ceil(y.min() - 0.5)), max(int(np.ceil(y.min() - 0.5)) + 1, int(np.floor(y.max() + 0.5))))
    return [(zoom, column, row) for row in rows for column in columns]


def _band(
    random: np.random.Generator,
    georeference: Georeference,
    ordinals: tuple[int, int],
    place: tuple[int, float, float],
) -> pa.RecordBatch:
    """`ordinals`: the first and how many; `place`: width, top, bottom in pixels."""
    first, count = ordinals
    width, top, bottom = place
    centres = np.column_stack([random.uniform(0, width, count), random.uniform(top, bottom, count)])
    sides = random.uniform(20, 80, (count, 1)) * random.uniform(0.8, 1.25, (count, 2))
    corners = centres[:, None] + sides[:, None] / 2 * np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]])
    shapes, areas = georeference.shapes(corners)
    return pa.record_batch(
        [
            pa.array(np.arange(first, first + count), pa.int64()),
            pa.array(["tree"] * count, pa.string()),
            pa.array(random.uniform(0.3, 0.95, count), pa.float32()),
            *(pa.array(column, pa.float64()) for column in (*centres.T, *sides.T, np.zeros(count), areas)),
            pa.array(shapely.to_wkb(shapes), pa.binary()),
        ],
        schema=SCHEMA,
    )
