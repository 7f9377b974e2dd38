"""Stretch, validity and resampling."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.vision.resample import resize, support
from appliance.vision.stretch import Stretch, percentiles
from appliance.vision.validity import by_nodata


@pytest.mark.parametrize("dtype", ["uint8", "int16", "uint16", "int32", "float32", "float64"])
def test_stretch_is_the_same_line_for_every_type(dtype: str) -> None:
    values = np.array([0, 10, 60, 110, 127], dtype)[:, None, None]
    assert Stretch((10,), (110,)).apply(values).ravel().tolist() == [0, 0, 128, 255, 255]


def test_stretch_of_negative_and_not_a_number() -> None:
    assert Stretch((-100,), (155,)).apply(np.array([[[-100], [-50], [0]]], np.int16)).ravel().tolist() == [0, 50, 100]
    odd = np.array([[[np.nan], [np.inf], [-np.inf]]], np.float32)
    assert Stretch((0,), (1,)).apply(odd).ravel().tolist() == [0, 255, 0]


def test_percentiles_look_at_valid_pixels_only() -> None:
    sample = np.arange(101, dtype=np.float32).reshape(1, 101, 1)
    sample[0, 0, 0] = np.nan
    valid = sample[..., 0] < 100
    assert percentiles(sample, valid, 0, 100) == Stretch((1.0,), (99.0,))
    assert percentiles(sample, np.zeros((1, 101), bool), 2, 98) == Stretch((0.0,), (1.0,))


@pytest.mark.parametrize("bands", [1, 3, 4, 5])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16", "int32", "float32"])
def test_a_pixel_holds_data_where_any_band_does(dtype: str, bands: int) -> None:
    pixels = np.full((3, 4, bands), 7, dtype)
    pixels[1, 2, bands - 1] = 8
    valid = by_nodata(pixels, 7.0) != 0
    assert valid.sum() == 1
    assert valid[1, 2]


def test_nodata_that_the_type_cannot_hold_hides_nothing() -> None:
    assert by_nodata(np.zeros((2, 2, 3), np.uint8), -9999.0).all()
    assert by_nodata(np.zeros((2, 2, 3), np.uint8), float("nan")).all()
    assert not by_nodata(np.full((2, 2, 1), np.nan, np.float32), -9999.0).any()


@given(st.floats(0.3, 3.5), st.integers(0, 60), st.sampled_from([1, 3, 4]))
def test_resizing_a_part_is_a_part_of_resizing_the_whole(factor: float, first: int, bands: int) -> None:
    rng = np.random.default_rng(first)
    whole = rng.integers(0, 255, (150, 40, bands), np.uint8)
    rows = round(150 / factor)
    step = 150 / rows
    reference = resize(whole, (0, 0, 40, 150), 40, rows)
    low, high = min(first, rows - 1), min(first + 20, rows)
    top = max(0, int(low * step) - support(step))
    bottom = min(150, int(np.ceil(high * step)) + support(step))
    part = resize(whole[top:bottom], (0, low * step - top, 40, min(high * step - top, bottom - top)), 40, high - low)
    assert np.abs(part.astype(int) - reference[low:high]).max(initial=0) <= 1


def test_resizing_does_not_mix_channels() -> None:
    pixels = np.zeros((20, 20, 4), np.uint8)
    pixels[..., 0], pixels[..., 3] = 200, 0
    assert resize(pixels, (0, 0, 20, 20), 10, 10)[..., 0].min() == 200
    wide = np.full((20, 20, 2), 40_000, np.uint16)
    assert (resize(wide, (0, 0, 20, 20), 10, 10) == 40_000).all()
