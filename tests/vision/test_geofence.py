from __future__ import annotations

import numpy as np
import pyproj
import pytest
import shapely

from appliance.contracts.errors import VedetteError
from appliance.vision.geofence import on_scene
from appliance.vision.georeference import Georeference


def at(lon: float, lat: float, crs: int) -> Georeference:
    x, y = pyproj.Transformer.from_crs(4326, crs, always_xy=True).transform(lon, lat)
    return Georeference.of(f"EPSG:{crs}", (1.0, 0, x, 0, -1.0, y), "scene")


def test_what_lies_inside_is_kept_and_far_tiles_are_not_touched() -> None:
    scene = at(15, 45, 32633)
    ring = scene.lonlat(np.array([[100.0, 100], [300, 100], [300, 300], [100, 300]]))
    fence = on_scene(shapely.Polygon(ring), scene, (1000, 1000), "scene")
    assert fence.holds(np.array([[200.0, 200], [301, 200], [99.5, 150]])).tolist() == [True, False, False]
    assert fence.touches(290, 290, 400, 400)
    assert not fence.touches(310, 310, 400, 400)


@pytest.mark.parametrize("side", [-1, 1])
def test_a_fence_and_a_scene_on_both_sides_of_the_antimeridian_meet(side: int) -> None:
    scene = at(179.99, 10, 32660)  # 0.01 degrees of longitude are about 1,095 m: the scene crosses
    west = shapely.box(-180, 9.9, -179.9, 10.1)
    east = shapely.box(179.9, 9.9, 180, 10.1)
    fence = on_scene(west if side < 0 else east, scene, (2190, 500), "scene")
    inside = fence.holds(np.array([[500.0, 250], [1700, 250]]))
    assert inside.tolist() == [side > 0, side < 0]


def test_a_fence_elsewhere_holds_nothing_and_a_huge_one_everything() -> None:
    scene = at(15, 45, 32633)
    points = np.array([[10.0, 10], [900, 900]])
    assert not on_scene(shapely.box(100, 0, 101, 1), scene, (1000, 1000), "scene").holds(points).any()
    assert on_scene(shapely.box(-180, -90, 180, 90), scene, (1000, 1000), "scene").holds(points).all()


def test_a_scene_without_georeference_takes_no_fence() -> None:
    with pytest.raises(VedetteError, match="no georeference"):
        on_scene(shapely.box(0, 0, 1, 1), Georeference((1, 0, 0, 0, 1, 0), None), (10, 10), "scene")


def test_an_area_left_out_counts_everywhere_else() -> None:
    scene = at(15, 45, 32633)
    ring = scene.lonlat(np.array([[100.0, 100], [300, 100], [300, 300], [100, 300]]))
    points = np.random.default_rng(3).uniform(0, 1000, (500, 2))
    kept = on_scene(shapely.Polygon(ring), scene, (1000, 1000), "scene")
    left_out = on_scene(shapely.Polygon(ring), scene, (1000, 1000), "scene", outside=True)
    assert (kept.holds(points) != left_out.holds(points)).all()
    assert not left_out.touches(150, 150, 250, 250), "nothing in it counts"
    assert left_out.touches(250, 250, 350, 350)
    elsewhere = on_scene(shapely.box(100, 0, 101, 1), scene, (1000, 1000), "scene", outside=True)
    assert elsewhere.holds(points).all()
    assert elsewhere.touches(0, 0, 10, 10)
