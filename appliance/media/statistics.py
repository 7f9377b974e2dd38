"""Statistics of one band in one pass and constant memory. Called by the decoding process; knows arrays, not files.

Percentiles come from a histogram over order-preserving integer keys of the values:
- 8- and 16-bit integers: one bin per value, so every figure is exact;
- everything else: the key is the float32 bit pattern made monotonic, and a bin is its upper 20 bits, so a percentile
  is off by at most 2^-11 (0.05 %) of its own value. Minimum, maximum, mean and deviation stay exact.
With very many bands the bins get coarser, so that all histograms together stay within 128 MB.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from appliance.contracts.item import BandStatistics

Array = NDArray[Any]
_LIMIT = float(np.finfo(np.float64).max)
_CV_BATCH = 1 << 24  # calcHist counts in float32, exact up to here
_TOTAL_BINS_LOG2 = 24
_FLOAT_BITS = 20


def histogram_bits(dtype: np.dtype[Any], bands: int) -> int:
    """How many bits of the key a bin keeps, for `bands` histograms at once."""
    wanted = dtype.itemsize * 8 if _is_small_integer(dtype) else _FLOAT_BITS
    allowed = _TOTAL_BINS_LOG2 - max(0, bands - 1).bit_length()
    return max(8, min(wanted, allowed))


class BandAccumulator:
    """Takes blocks of one band with their validity; `result` may be asked once all were added."""

    def __init__(self, dtype: np.dtype[Any], bits: int) -> None:
        self._dtype = dtype
        self._width = dtype.itemsize * 8 if _is_small_integer(dtype) else 32
        self._shift = self._width - bits
        self._counts: NDArray[np.int64] = np.zeros(1 << bits, np.int64)
        self._pixels = 0
        self._moments = _Moments()

    def add(self, block: Array, valid: NDArray[np.uint8] | None) -> None:
        """`block` (h, w) of the band's dtype; `valid` (h, w), zero where a pixel does not count, None for all."""
        self._pixels += block.size
        if self._width in (8, 16) and self._shift == 0:
            self._counts += _count_small(block, valid)
            return
        values = block.ravel() if valid is None else block[valid != 0]
        if values.size:
            self._moments.add(values)
            keys = _keys(values) >> np.uint32(self._shift)
            self._counts += np.bincount(keys.astype(np.int64, copy=False), minlength=self._counts.size)

    @property
    def valid(self) -> int:
        return int(self._counts.sum())

    def result(self, name: str) -> BandStatistics:
        """All finite; zeros where no pixel is valid. `low` and `high` are the 2nd and 98th percentile."""
        valid = self.valid
        if not valid:
            return _nothing(name)
        if self._shift == 0:
            self._moments = _moments_of(self._counts, first=self._value(0))
        low, high = self._percentile(0.02), self._percentile(0.98)
        moments = self._moments
        return BandStatistics(
            name=name,
            minimum=_finite(moments.minimum),
            maximum=_finite(moments.maximum),
            mean=_finite(moments.mean),
            standard_deviation=_finite(np.sqrt(moments.squares / moments.count)),
            low=_finite(max(low, moments.minimum)),
            high=_finite(min(high, moments.maximum)),
            valid_percent=min(100.0, 100.0 * valid / self._pixels),
        )

    def _percentile(self, fraction: float) -> float:
        """By the inverted distribution function (nearest rank), linear within a bin that holds several values."""
        cumulative = np.cumsum(self._counts)
        rank = max(1, int(np.ceil(fraction * cumulative[-1])))
        bin_index = int(np.searchsorted(cumulative, rank))
        low = self._value(bin_index)
        if self._shift == 0:
            return low
        before = int(cumulative[bin_index - 1]) if bin_index else 0
        high = self._value(bin_index + 1) if bin_index + 1 < self._counts.size else low
        if not np.isfinite(high):
            return low
        return low + (high - low) * (rank - before) / int(self._counts[bin_index])

    def _value(self, bin_index: int) -> float:
        return _value_of_key(bin_index << self._shift, self._dtype)


class _Moments:
    """Count, extremes, mean and sum of squared deviations, merged as in Chan, Golub and LeVeque 1979."""

    def __init__(self) -> None:
        self.count = 0
        self.minimum, self.maximum = np.inf, -np.inf
        self.mean = self.squares = 0.0

    def add(self, values: Array) -> None:
        count = values.size
        with np.errstate(over="ignore", invalid="ignore"):
            mean = float(values.mean(dtype=np.float64))
            squares = float(np.square(values.astype(np.float64) - mean).sum())
            delta, total = mean - self.mean, self.count + count
            self.squares += squares + delta * delta * self.count * count / total
            self.mean += delta * count / total
        self.count = total
        self.minimum = min(self.minimum, float(values.min()))
        self.maximum = max(self.maximum, float(values.max()))


def _moments_of(counts: NDArray[np.int64], first: float) -> _Moments:
    """The moments of an exact histogram of consecutive integers, from `first` on."""
    used = np.flatnonzero(counts)
    values = used + first
    weights = counts[used]
    moments = _Moments()
    moments.count = int(weights.sum())
    moments.minimum, moments.maximum = float(values[0]), float(values[-1])
    moments.mean = float((values * weights).sum() / moments.count)
    moments.squares = float((np.square(values - moments.mean) * weights).sum())
    return moments


def _is_small_integer(dtype: np.dtype[Any]) -> bool:
    return dtype.kind in "iu" and dtype.itemsize <= 2


def _count_small(block: Array, valid: NDArray[np.uint8] | None) -> NDArray[np.int64]:
    """The exact histogram of an 8- or 16-bit block."""
    unsigned = _unsigned(block)
    bins = 1 << (unsigned.dtype.itemsize * 8)
    total: NDArray[np.int64] = np.zeros(bins, np.int64)
    rows = max(1, (_CV_BATCH - 1) // unsigned.shape[1])
    for row in range(0, unsigned.shape[0], rows):
        mask = None if valid is None else valid[row : row + rows]
        counts = cv2.calcHist([unsigned[row : row + rows]], [0], mask, [bins], [0, bins])
        total += counts.ravel().astype(np.int64)
    return total


def _unsigned(block: Array) -> Array:
    """The same order in unsigned integers: the sign bit flipped."""
    if block.dtype.kind == "u":
        return block
    unsigned: Array = block.view(f"u{block.dtype.itemsize}")
    flipped: Array = unsigned ^ np.array(1 << (block.dtype.itemsize * 8 - 1), unsigned.dtype)
    return flipped


def _keys(values: Array) -> NDArray[np.uint32]:
    """Integers in the order of the values."""
    if _is_small_integer(values.dtype):
        return _unsigned(values).astype(np.uint32)
    with np.errstate(over="ignore"):
        bits = values.astype(np.float32).view(np.uint32)
    sign = np.uint32(0x80000000)
    keys: NDArray[np.uint32] = np.where(bits & sign, ~bits, bits | sign)
    return keys


def _value_of_key(key: int, dtype: np.dtype[Any]) -> float:
    """The value that `_keys` maps to `key`."""
    if _is_small_integer(dtype):
        return float(key if dtype.kind == "u" else key - (1 << (dtype.itemsize * 8 - 1)))
    bits = key & 0x7FFFFFFF if key & 0x80000000 else ~key & 0xFFFFFFFF
    return float(np.array(bits, np.uint32).view(np.float32))


def _finite(value: float) -> float:
    return float(np.clip(np.nan_to_num(value, nan=0.0, posinf=_LIMIT, neginf=-_LIMIT), -_LIMIT, _LIMIT))


def _nothing(name: str) -> BandStatistics:
    return BandStatistics(name=name, minimum=0, maximum=0, mean=0, standard_deviation=0, low=0, high=0, valid_percent=0)
