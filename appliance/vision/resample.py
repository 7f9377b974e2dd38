"""Bring pixels to another ground sample distance. Called by inference/working.py, by strips. Pure.

Triangle filter with support that grows when shrinking (Pillow's BILINEAR), so that detail finer than a new pixel does not
alias. The same region of the same pixels gives the same result however the scene was cut, apart from the last bit.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from appliance.vision.candidates import Floats

Region = tuple[float, float, float, float]
"""x0, y0, x1, y1 in pixels of the source array; may start and end within a pixel."""

_MODES = {1: "L", 3: "RGB", 4: "CMYK"}  # CMYK: four plain 8-bit channels, none of them taken for an alpha


def support(factor: float) -> int:
    """Source pixels needed beyond a region on each side, when one new pixel covers `factor` source pixels."""
    return int(np.ceil(max(1.0, factor))) + 1


def resize(pixels: NDArray[Any], region: Region, width: int, height: int) -> NDArray[Any]:
    """The region of (rows, columns, bands) as (height, width, bands) of the same type."""
    bands = pixels.shape[2]
    if pixels.dtype == np.uint8 and bands in _MODES:
        whole = np.ascontiguousarray(pixels if bands > 1 else pixels[..., 0])
        image = Image.frombuffer(_MODES[bands], (whole.shape[1], whole.shape[0]), whole, "raw", _MODES[bands], 0, 1)
        return np.asarray(image.resize((width, height), Image.Resampling.BILINEAR, region)).reshape(
            height, width, bands
        )
    planes = [_plane(pixels[..., band], region, width, height) for band in range(bands)]
    whole_number = pixels.dtype.kind != "f"
    return np.stack([np.rint(plane) if whole_number else plane for plane in planes], axis=2).astype(pixels.dtype)


def resize_valid(valid: NDArray[np.uint8], region: Region, width: int, height: int) -> NDArray[np.uint8]:
    """A new pixel holds data where at least half of what it covers does."""
    share = _plane((valid != 0).astype(np.float32), region, width, height)
    return (share >= 0.5).view(np.uint8)


def _plane(values: NDArray[Any], region: Region, width: int, height: int) -> Floats:
    image = Image.fromarray(np.ascontiguousarray(values, np.float32))
    return np.asarray(image.resize((width, height), Image.Resampling.BILINEAR, region), np.float64)
