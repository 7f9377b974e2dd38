"""Warp a source that is placed by ground control points onto a north-up grid. Called by the decoding process.

The warped copy is an ordinary GeoTIFF in the private folder, which then takes the same way as any other source.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from affine import Affine
from rasterio.control import GroundControlPoint
from rasterio.enums import ColorInterp, Resampling
from rasterio.transform import from_gcps
from rasterio.warp import reproject
from rasterio.warp import transform as to_crs

from appliance.media.georeference import Georeference
from appliance.media.pixels import FLOAT_NODATA

_GROWTH = 4  # a sane set of points does not need more pixels than this many times the source's
_MEMORY_MEGABYTES = 128


def warp(source: Any, place: Georeference, folder: Path) -> Path:
    """Raises ValueError when the points make no sensible grid, rasterio's errors when pixels cannot be read."""
    gcps, crs = source.gcps
    transform, width, height = _grid(source, gcps, crs, place.warp_to)
    if not np.isfinite(list(transform)).all() or width * height > _GROWTH * source.width * source.height + 10_000:
        raise ValueError("its ground control points contradict each other")
    alpha = source.dtypes[0] in ("uint8", "uint16")
    has_alpha = source.colorinterp[-1] is ColorInterp.alpha
    colour_bands = source.count - has_alpha
    target = folder / "warped.tif"
    profile = {
        "driver": "GTiff", "width": width, "height": height, "count": colour_bands + alpha, "dtype": source.dtypes[0],
        "crs": place.warp_to, "transform": transform, "tiled": True, "blockxsize": 512, "blockysize": 512,
        "compress": "ZSTD", "zstd_level": 1, "bigtiff": "IF_SAFER", "nodata": None if alpha else _nodata(source),
    }  # fmt: skip
    with rasterio.open(target, "w", **profile) as warped:
        indexes = list(range(1, colour_bands + 1))
        warped.colorinterp = [*source.colorinterp[:colour_bands], *([ColorInterp.alpha] * alpha)]
        reproject(
            rasterio.band(source, indexes),  # type: ignore[no-untyped-call]
            rasterio.band(warped, indexes),  # type: ignore[no-untyped-call]
            src_crs=crs,
            gcps=gcps,
            dst_crs=place.warp_to,
            dst_transform=transform,
            resampling=Resampling.bilinear,
            src_nodata=source.nodata,
            dst_nodata=None if alpha else _nodata(source),
            src_alpha=source.count if has_alpha else 0,
            dst_alpha=colour_bands + 1 if alpha else 0,
            num_threads=int(os.environ.get("GDAL_NUM_THREADS", "1")),
            warp_mem_limit=_MEMORY_MEGABYTES,
        )
    return target


def _grid(source: Any, gcps: Any, crs: Any, target: Any) -> tuple[Affine, int, int]:
    """A north-up grid of the source's own pixel size, wide enough for the plane through the points and their residuals.

    Not rasterio's calculate_default_transform: that opens a virtual raster, whose driver confine.py removes.
    """
    x, y = to_crs(crs, target, [gcp.x for gcp in gcps], [gcp.y for gcp in gcps])
    placed = [GroundControlPoint(g.row, g.col, px, py) for g, px, py in zip(gcps, x, y, strict=True)]  # type: ignore[no-untyped-call]
    a, b, c, d, e, f = tuple(from_gcps(placed))[:6]  # type: ignore[no-untyped-call]
    pixel = float(np.sqrt(abs(a * e - b * d)))
    if not np.isfinite(pixel) or pixel <= 0:
        raise ValueError("its ground control points contradict each other")
    cols = np.array([0, source.width, source.width, 0], float)
    rows = np.array([0, 0, source.height, source.height], float)
    east, north = a * cols + b * rows + c, d * cols + e * rows + f
    slack = max(max(abs(a * g.col + b * g.row + c - g.x), abs(d * g.col + e * g.row + f - g.y)) for g in placed)
    width = int(np.ceil((np.ptp(east) + 2 * slack) / pixel))
    height = int(np.ceil((np.ptp(north) + 2 * slack) / pixel))
    return Affine(pixel, 0, float(east.min() - slack), 0, -pixel, float(north.max() + slack)), width, height


def _nodata(source: Any) -> float:
    if source.nodata is not None and np.isfinite(source.nodata):
        return float(source.nodata)
    kind = np.dtype("complex64" if source.dtypes[0] == "complex_int16" else source.dtypes[0])
    return FLOAT_NODATA if kind.kind == "f" else 0.0
