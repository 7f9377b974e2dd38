"""Small rasters made for the tests, and reading back what a run found."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import rasterio
from affine import Affine
from numpy.typing import NDArray
from rasterio.errors import NotGeoreferencedWarning

Box = tuple[int, int, int, int]


def boxes(seed: int, width: int, height: int, count: int = 200, largest: int = 40) -> list[Box]:
    """x, y, width, height of rectangles that do not touch."""
    rng = np.random.default_rng(seed)
    taken = np.zeros((height, width), bool)
    found: list[Box] = []
    for _ in range(count):
        w, h = (int(side) for side in rng.integers(2, largest, 2))
        if w >= width or h >= height:
            continue
        x, y = int(rng.integers(0, width - w)), int(rng.integers(0, height - h))
        around = taken[max(0, y - 2) : y + h + 2, max(0, x - 2) : x + w + 2]
        if not around.any():
            taken[y : y + h, x : x + w] = True
            found.append((x, y, w, h))
    return found


def drawn(found: list[Box], width: int, height: int, bands: int = 3) -> NDArray[np.uint8]:
    """Black with each rectangle at its own brightness above 200, (bands, rows, columns)."""
    image = np.full((bands, height, width), 20, np.uint8)
    for place, (x, y, w, h) in enumerate(found):
        image[:, y : y + h, x : x + w] = 200 + place % 50
    return image


def write(path: Path, image: NDArray[Any], **profile: Any) -> Path:
    """A tiled, deflated GeoTIFF in UTM 17 north with pixels of 0.1 m, unless told otherwise."""
    settings: dict[str, Any] = {
        "driver": "GTiff",
        "count": image.shape[0],
        "height": image.shape[1],
        "width": image.shape[2],
        "dtype": image.dtype,
        "crs": "EPSG:32617",
        "transform": Affine(0.1, 0, 400_000, 0, -0.1, 3_300_000),
    }
    if profile.get("driver", "GTiff") == "GTiff":
        tiles = {"tiled": True, "blockxsize": 64, "blockysize": 64, "interleave": "pixel", "compress": "deflate"}
        colours = {"photometric": "rgb"} if image.shape[0] >= 3 else {}
        settings.update(tiles, **colours)
    settings.update(profile)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with rasterio.open(path, "w", **settings) as dataset:
            dataset.write(image)
    return path


def rows(path: Path) -> list[tuple[float, ...]]:
    """x, y, width, height, score of every detection, sorted."""
    table = pq.read_table(path).to_pydict()
    names = ("x", "y", "width", "height", "score")
    return sorted(zip(*(table[name] for name in names), strict=True))


def expected(found: list[Box]) -> list[tuple[float, ...]]:
    """What an exact detector says of these rectangles."""
    return sorted(
        (x + w / 2, y + h / 2, float(w), float(h), float(np.float32((200 + place % 50) / 255)))
        for place, (x, y, w, h) in enumerate(found)
    )
