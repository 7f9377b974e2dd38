"""Pixel values of any type become what the detector takes: the 16-to-8-bit stretch, nodata to 0. Pure.

Called by inference/reader.py, by whole strips. A uint8 scene for a uint8 detector passes untouched.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[Any]


@dataclass(frozen=True)
class Stretch:
    """Per band, `low`..`high` becomes 0..255; values beyond saturate, NaN becomes 0."""

    low: tuple[float, ...]
    high: tuple[float, ...]

    def apply(self, pixels: Pixels) -> NDArray[np.uint8]:
        """(rows, width, bands) of any number type to uint8 of the same shape."""
        result = np.empty(pixels.shape, np.uint8)
        for band in range(pixels.shape[2]):
            if pixels.dtype in (np.uint8, np.uint16, np.int16):
                result[..., band] = _table(self.low[band], self.high[band], pixels.dtype)[pixels[..., band]]
            else:
                result[..., band] = _scaled(pixels[..., band], self.low[band], self.high[band])
        return result

    def tables(self, dtype: np.dtype[Any]) -> NDArray[np.uint8]:
        """(values, bands): what every value of an unsigned type of 8 or 16 bits becomes in each band."""
        return np.stack([_table(low, high, dtype) for low, high in zip(self.low, self.high, strict=True)], axis=-1)


@lru_cache(maxsize=256)
def _table(low: float, high: float, dtype: np.dtype[Any]) -> NDArray[np.uint8]:
    """Every value of an 8- or 16-bit type; negative ones are reached by numpy's indexing from the end."""
    bits = np.iinfo(dtype).bits
    values = np.arange(1 << bits, dtype=np.uint32).astype(f"u{bits // 8}").view(dtype)
    table = _scaled(values, low, high)
    table.setflags(write=False)
    return table


def _scaled(values: Pixels, low: float, high: float) -> NDArray[np.uint8]:
    span = max(high - low, 1e-12)
    share = (values.astype(np.float32) - low) * np.float32(255.0 / span)
    scaled: NDArray[np.uint8] = np.nan_to_num(np.clip(np.rint(share), 0, 255)).astype(np.uint8)
    return scaled


def percentiles(sample: Pixels, valid: NDArray[np.bool_], low: float, high: float) -> Stretch:
    """The stretch of a sample (rows, width, bands) over its valid (rows, width) finite pixels; 0..1 where there are none."""
    ends = []
    for band in range(sample.shape[2]):
        values = sample[..., band][valid].astype(np.float64)
        values = values[np.isfinite(values)]
        ends.append(np.percentile(values, [low, high]) if len(values) else np.array([0.0, 1.0]))
    return Stretch(tuple(float(e[0]) for e in ends), tuple(float(e[1]) for e in ends))
