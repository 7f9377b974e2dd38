"""Sampling a scene for the map: validity, sizes, and where nothing is known."""

from __future__ import annotations

import numpy as np
import pytest

from appliance.vision import map_tile
from tests.api.samples import scene_info


def test_between_pixels_values_are_linear() -> None:
    ramp = np.arange(100, dtype=np.uint16)[None, :, None].repeat(4, axis=0) * 100
    x, y = np.array([[10.5, 11.0, 11.25, 0.1, 99.9]]), np.full((1, 5), 2.0)
    found, seen = map_tile.sample(ramp, None, x, y)
    assert found[0, :, 0].tolist() == pytest.approx([1000, 1050, 1075, 0, 9900], abs=4)
    assert seen.all()


def test_pixels_that_are_not_valid_lend_nothing() -> None:
    pixels = np.full((8, 8, 3), 200, np.uint8)
    valid = np.ones((8, 8), bool)
    pixels[:, :4], valid[:, :4] = 0, False
    x, y = np.array([[4.1, 3.9, 6.0, -0.1]]), np.full((1, 4), 4.0)
    found, seen = map_tile.sample(pixels, valid, x, y)
    assert seen.tolist() == [[True, False, True, False]]
    assert (found[0, [0, 2]] == 200).all()
    smaller, known = map_tile.shrunk(pixels, valid, 8)
    assert (smaller.shape, smaller.max(), known is not None and known.all()) == ((1, 1, 3), 200, True)


def test_positions_without_an_answer_show_nothing() -> None:
    positions = np.array([[np.nan, 1.0]])
    _, seen = map_tile.sample(np.ones((4, 4, 1), np.float32), None, positions, np.ones((1, 2)))
    assert seen.tolist() == [[False, True]]


@pytest.mark.parametrize("crs", ["EPSG:32617", None])
def test_a_tile_elsewhere_shows_nothing_and_one_around_it_all_of_the_scene(crs: str | None) -> None:
    scene = scene_info(crs=crs)
    placement = map_tile.Placement.of(scene)
    west, south, east, _ = placement.bounds
    wide = east - west
    assert map_tile.look(placement, (east + wide, south, east + 2 * wide, south + wide), 256) is None
    view = map_tile.look(placement, (west - wide, south - wide, west + 2 * wide, south + 2 * wide), 256)
    assert view is not None
    assert view.x.min() < 0
    assert view.x.max() > scene.width
    assert view.scale == pytest.approx(3 * scene.width / 256, rel=0.1)
    exact = placement.pixels(*np.meshgrid(*_centres(view, west - wide, south + 2 * wide, 3 * wide / 256)))
    assert np.abs(np.stack([view.x, view.y], axis=-1) - exact).max() < 0.01


def _centres(view: map_tile.View, west: float, north: float, pixel: float) -> tuple[map_tile.Floats, map_tile.Floats]:
    columns, rows = (np.arange(part.start, part.stop) + 0.5 for part in (view.columns, view.rows))
    return west + columns * pixel, north - rows * pixel
