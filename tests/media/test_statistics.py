"""Statistics against numpy's, for exact and for coarse histograms."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from appliance.media.statistics import BandAccumulator, histogram_bits

SMALL = st.sampled_from([np.uint8, np.int8, np.uint16, np.int16])


@settings(max_examples=60, deadline=None)
@given(SMALL.flatmap(lambda kind: hnp.arrays(kind, hnp.array_shapes(min_dims=2, max_dims=2, max_side=40))), st.data())
def test_small_integers_are_exact(block: np.ndarray, data: st.DataObject) -> None:
    valid = data.draw(hnp.arrays(np.uint8, block.shape, elements=st.sampled_from([0, 1, 255])))
    accumulator = BandAccumulator(block.dtype, histogram_bits(block.dtype, 3))
    for rows in np.array_split(np.arange(block.shape[0]), 3):
        if rows.size:
            accumulator.add(np.ascontiguousarray(block[rows]), np.ascontiguousarray(valid[rows]))
    result = accumulator.result("b")
    values = block[valid != 0].astype(float)
    assert result.valid_percent == pytest.approx(100 * values.size / block.size)
    if not values.size:
        assert (result.minimum, result.maximum, result.mean, result.low, result.high) == (0, 0, 0, 0, 0)
        return
    assert (result.minimum, result.maximum) == (values.min(), values.max())
    assert result.mean == pytest.approx(values.mean())
    assert result.standard_deviation == pytest.approx(values.std(), abs=1e-6)
    assert [result.low, result.high] == list(np.percentile(values, [2, 98], method="inverted_cdf"))


@settings(max_examples=60, deadline=None)
@given(
    hnp.arrays(
        np.float32,
        hnp.array_shapes(min_dims=2, max_dims=2, max_side=30),
        elements=st.floats(-(2.0**100), 2.0**100, width=32, allow_subnormal=False),
    )
)
def test_float_percentiles_keep_their_bound(block: np.ndarray) -> None:
    accumulator = BandAccumulator(block.dtype, histogram_bits(block.dtype, 1))
    accumulator.add(block, None)
    result = accumulator.result("b")
    values = block.astype(float).ravel()
    low, high = np.percentile(values, [2, 98], method="inverted_cdf")
    assert abs(result.low - low) <= abs(low) * 2**-11 + 1e-37
    assert abs(result.high - high) <= abs(high) * 2**-11 + 1e-37
    assert result.mean == pytest.approx(values.mean(), rel=1e-6, abs=abs(values).max() * 1e-6)


def test_extreme_doubles_stay_finite() -> None:
    accumulator = BandAccumulator(np.dtype(np.float64), 20)
    accumulator.add(np.array([[1e308, -1e308, 1e308]]), None)
    result = accumulator.result("b")  # a Contract refuses infinities
    assert result.maximum == 1e308


def test_histograms_of_two_thousand_bands_fit_in_memory() -> None:
    for kind in ("uint16", "float32"):
        bits = histogram_bits(np.dtype(kind), 2000)
        assert 2000 * 8 * 2**bits <= 128 << 20


def test_coarse_histograms_of_16_bits_are_off_by_one_bin_at_most() -> None:
    values = np.random.default_rng(3).integers(0, 60_000, (500, 500)).astype(np.uint16)
    bits = histogram_bits(values.dtype, 2000)
    accumulator = BandAccumulator(values.dtype, bits)
    accumulator.add(values, None)
    result = accumulator.result("b")
    low, high = np.percentile(values, [2, 98], method="inverted_cdf")
    assert abs(result.low - low) <= 2 ** (16 - bits)
    assert abs(result.high - high) <= 2 ** (16 - bits)
    assert result.standard_deviation == pytest.approx(values.std())
