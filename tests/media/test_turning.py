"""Turning block by block equals turning the whole picture as Pillow does."""

from __future__ import annotations

import numpy as np
import pytest
from affine import Affine
from PIL import Image, ImageOps
from rasterio.windows import Window

from appliance.media.turning import north_up, upright


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("step", [(3, 7), (5, 11), (2, 2)])
def test_by_blocks_as_a_whole(orientation: int, step: tuple[int, int]) -> None:
    stored = np.arange(5 * 11, dtype=np.uint8).reshape(1, 5, 11)
    image = Image.fromarray(stored[0])
    image.getexif()[0x0112] = orientation
    expected = np.asarray(ImageOps.exif_transpose(image))
    turn = upright(orientation, 11, 5)
    out = np.zeros((turn.height, turn.width), np.uint8)
    for row in range(0, 5, step[0]):
        for col in range(0, 11, step[1]):
            window = Window(col, row, min(step[1], 11 - col), min(step[0], 5 - row))
            block = stored[:, row : row + window.height, col : col + window.width]
            place = turn.window(window)
            rows = slice(place.row_off, place.row_off + place.height)
            columns = slice(place.col_off, place.col_off + place.width)
            out[rows, columns] = turn.block(block)[0]
    np.testing.assert_array_equal(out, expected)


@pytest.mark.parametrize(("a", "e"), [(1, -1), (1, 1), (-1, -1), (-1, 1)])
def test_north_up_keeps_every_pixel_in_its_place(a: int, e: int) -> None:
    transform = Affine(2 * a, 0, 100, 0, 3 * e, 50)
    turn, turned = north_up(transform, 10, 6)
    assert turned.a > 0 > turned.e
    for window in (Window(2, 1, 1, 1), Window(9, 5, 1, 1)):
        place = turn.window(window)
        before = transform @ (window.col_off + 0.5, window.row_off + 0.5)
        assert turned @ (place.col_off + 0.5, place.row_off + 0.5) == pytest.approx(before)
