"""The same scene stored in several ways, to see which of them decodes as fast as a card computes. Called by gpu.py."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import rasterio
from rasterio.shutil import copy

WAYS: dict[str, dict[str, str]] = {
    "Zstandard with a predictor, as we store scenes": {"compress": "zstd", "predictor": "2"},
    "Zstandard, its fastest level": {"compress": "zstd", "predictor": "2", "zstd_level": "1"},
    "deflate with a predictor": {"compress": "deflate", "predictor": "2"},
    "JPEG, quality 90": {"compress": "jpeg", "jpeg_quality": "90", "photometric": "ycbcr"},
    "raw tiles": {"compress": "none"},
}
"""8 bits each: what a detector of 8 bits takes needs no stretch on its way."""


def copies(scene: Path, folder: Path) -> Iterator[tuple[str, Path]]:
    """Each way with a copy of the scene, which is gone when the next is asked for."""
    for number, (way, options) in enumerate(WAYS.items()):
        path = folder / f"{number}.tif"
        layout = {
            "tiled": "yes",
            "blockxsize": "512",
            "blockysize": "512",
            "interleave": "pixel",
            "bigtiff": "if_safer",
        }
        with rasterio.Env(GDAL_NUM_THREADS="ALL_CPUS"):
            copy(str(scene), str(path), driver="GTiff", **layout, **options)
        try:
            yield way, path
        finally:
            path.unlink()
