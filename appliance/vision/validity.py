"""Which pixels hold data. Called by inference/reader.py, by whole strips. Pure."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Valid = NDArray[np.uint8]
"""(rows, width): 0 where there is no data, anything else where there is."""


def by_nodata(pixels: NDArray[Any], nodata: float | None) -> Valid:
    """A pixel of (rows, width, bands) has data where any band differs from `nodata` and is a number."""
    if pixels.dtype.kind == "f":
        good = np.isfinite(pixels)
        if nodata is not None and np.isfinite(nodata):
            good &= pixels != pixels.dtype.type(nodata)
        finite: Valid = good.any(axis=2).view(np.uint8)
        return finite
    if nodata is None or not np.isfinite(nodata) or nodata != int(nodata) or not _fits(pixels.dtype, int(nodata)):
        return np.ones(pixels.shape[:2], np.uint8)
    if pixels.dtype in (np.uint8, np.uint16, np.int16) and pixels.shape[2] <= 4:
        bound = (float(nodata),) * pixels.shape[2]
        return np.bitwise_not(np.asarray(cv2.inRange(pixels, bound, bound), np.uint8))
    differs: Valid = (pixels != nodata).any(axis=2).view(np.uint8)
    return differs


def clear(pixels: NDArray[Any], valid: Valid) -> None:
    """Set pixels without data to 0, in place."""
    if not valid.all():
        pixels[valid == 0] = 0


def _fits(dtype: np.dtype[Any], value: int) -> bool:
    bounds = np.iinfo(dtype)
    return bool(bounds.min <= value <= bounds.max)
