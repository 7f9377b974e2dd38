from __future__ import annotations

import numpy as np
import pyproj
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from appliance.contracts.errors import Code, VedetteError
from appliance.vision import georeference
from appliance.vision.georeference import Georeference

_GEOD = pyproj.Geod(ellps="WGS84")


@given(st.floats(-179, 179), st.floats(-85, 85), st.floats(1e-5, 0.02), st.floats(0, 360))
def test_areas_agree_with_the_geodesic(lon: float, lat: float, size: float, turn: float) -> None:
    angle = np.radians(turn + np.array([0.0, 90, 180, 270]))
    ring = np.stack([lon + size * np.cos(angle), lat + size * np.sin(angle)], axis=1)
    exact = abs(_GEOD.geometry_area_perimeter(shapely.Polygon(ring))[0])
    assert georeference.areas(ring[None])[0] == pytest.approx(exact, rel=2e-4)


def test_a_rotated_projected_raster_there_and_back() -> None:
    angle = np.radians(30)
    transform = (0.3 * np.cos(angle), 0.3 * np.sin(angle), 500_000, 0.3 * np.sin(angle), -0.3 * np.cos(angle), 4e6)
    scene = Georeference.of("EPSG:32633", tuple(map(float, transform)), "scene")  # type: ignore[arg-type]
    pixels = np.array([[0.0, 0], [1000, 0], [123.5, 4567.25]])
    assert scene.pixels(scene.lonlat(pixels)) == pytest.approx(pixels, abs=1e-4)
    assert scene.gsd_metres(1000, 1000) == pytest.approx(0.3, rel=1e-3)


def test_gsd_is_that_of_the_ground_not_of_the_projection() -> None:
    # Web Mercator at 60 degrees north stretches by two.
    x, y = pyproj.Transformer.from_crs(4326, 3857, always_xy=True).transform(10, 60)
    scene = Georeference.of("EPSG:3857", (1.0, 0, x, 0, -1.0, y), "scene")
    assert scene.gsd_metres(2, 2) == pytest.approx(0.5, rel=3e-3)
    degrees = Georeference.of("EPSG:4326", (1e-5, 0, 10, 0, -1e-5, 60), "scene")
    assert degrees.gsd_metres(2, 2) == pytest.approx(1.1132 * np.sqrt(0.5), rel=5e-3)


def test_a_ring_across_the_antimeridian_is_cut_there() -> None:
    scene = Georeference.of("EPSG:4326", (1e-3, 0, 179.9, 0, -1e-3, 10.1), "scene")
    shapes, areas = scene.shapes(np.array([[[0.0, 0], [200, 0], [200, 100], [0, 100]]]))
    assert shapes[0].geom_type == "MultiPolygon"
    assert len(shapes[0].geoms) == 2
    assert shapes[0].area == pytest.approx(0.2 * 0.1, rel=1e-6)
    assert -180 <= shapes[0].bounds[0] < shapes[0].bounds[2] <= 180
    near = abs(_GEOD.geometry_area_perimeter(shapely.box(-0.1, 10, 0.1, 10.1))[0])
    assert areas[0] == pytest.approx(near, rel=1e-3)


@pytest.mark.parametrize(("crs", "latitude"), [("EPSG:3413", 90.0), ("EPSG:3031", -90.0)])
def test_a_ring_around_a_pole_holds_it(crs: str, latitude: float) -> None:
    scene = Georeference.of(crs, (30.0, 0, -600, 0, -30.0, 600), "scene")
    shapes, areas = scene.shapes(np.array([[[10.0, 10], [30, 10], [30, 30], [10, 30]]]))
    assert shapes[0].is_valid
    assert all(shapes[0].contains(shapely.Point(lon, latitude * 0.99999)) for lon in range(-179, 180, 17))
    scale = pyproj.Proj(crs).get_factors(0, latitude).areal_scale  # of the plane, which is true to scale elsewhere
    assert areas[0] == pytest.approx(600 * 600 / scale, rel=1e-2)


def test_an_unknown_reference_system_is_refused_by_name() -> None:
    with pytest.raises(VedetteError, match=r"harbour\.tif") as refused:
        Georeference.of("EPSG:999999", (1, 0, 0, 0, 1, 0), "harbour.tif")
    assert refused.value.reason.code is Code.GEOREFERENCE
