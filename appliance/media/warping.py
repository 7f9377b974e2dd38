"""Warp a source that is placed by ground control points onto a north-up grid. Called by the decoding process.

The warped copy is an ordinary GeoTIFF in the private folder, which then takes the same way as any other source.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from rasterio.enums import ColorInterp, Resampling
from rasterio.warp import calculate_default_transform, reproject

from appliance.media.georeference import Georeference
from appliance.media.pixels import FLOAT_NODATA

_GROWTH = 4  # a sane set of points does not need more pixels than this many times the source's
_MEMORY_MEGABYTES = 128


def warp(source: Any, place: Georeference, folder: Path) -> Path:
    """Raises ValueError when the points make no sensible grid, rasterio's errors when pixels cannot be read."""
    gcps, crs = source.gcps
    transform, width, height = calculate_default_transform(
        crs, place.warp_to, source.width, source.height, gcps=gcps
    )  # fmt: skip
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


def _nodata(source: Any) -> float:
    if source.nodata is not None and np.isfinite(source.nodata):
        return float(source.nodata)
    kind = np.dtype("complex64" if source.dtypes[0] == "complex_int16" else source.dtypes[0])
    return FLOAT_NODATA if kind.kind == "f" else 0.0
