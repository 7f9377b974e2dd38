"""Small rasters for the tests of media, generated; each returns the path it wrote."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from affine import Affine
from numpy.typing import NDArray
from rasterio.errors import NotGeoreferencedWarning

UTM = Affine(0.5, 0, 400_000, 0, -0.5, 5_000_000)


def texture(bands: int, height: int, width: int, dtype: str = "uint8", seed: int = 7) -> NDArray[Any]:
    """Smooth shapes with noise, over most of the type's range."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[0:height, 0:width]
    layers = [
        np.sin(rows / (9 + b)) + np.cos(columns / (13 + b)) + rng.normal(0, 0.2, (height, width)) for b in range(bands)
    ]
    unit = np.clip((np.stack(layers) + 2.5) / 5, 0, 1)
    kind = np.dtype(dtype)
    if kind.kind in "iu":
        limits = np.iinfo(kind)
        return (limits.min + unit * (float(limits.max) - float(limits.min)) * 0.9).astype(kind)
    return (unit * 1000 - 300).astype(kind)


def write(path: Path, pixels: NDArray[Any], driver: str = "GTiff", **options: Any) -> Path:
    """`crs` and `transform` as given; none means no georeference."""
    bands, height, width = pixels.shape
    extras = {
        key: options.pop(key) for key in ("colorinterp", "descriptions", "gcps", "tags", "mask") if key in options
    }
    profile = {
        "driver": driver,
        "count": bands,
        "height": height,
        "width": width,
        "dtype": pixels.dtype.name,
        **options,
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with (
            rasterio.Env(GDAL_PAM_ENABLED="NO", GDAL_TIFF_INTERNAL_MASK="YES"),
            rasterio.open(path, "w", **profile) as out,
        ):
            out.write(pixels)
            if "gcps" in extras:
                out.gcps = extras["gcps"]
            if "tags" in extras:
                out.update_tags(**extras["tags"])
            if "colorinterp" in extras:
                out.colorinterp = extras["colorinterp"]
            if "descriptions" in extras:
                out.descriptions = extras["descriptions"]
            if "mask" in extras:
                out.write_mask(extras["mask"])
    return path


def read(path: Path) -> NDArray[Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with rasterio.open(path) as source:
            pixels: NDArray[Any] = source.read()
    return pixels
