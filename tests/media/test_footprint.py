"""Footprints where the earth makes it hard: the antimeridian, the poles, degrees, nonsense."""

from __future__ import annotations

import numpy as np
import pyproj
import pytest
from affine import Affine
from shapely.geometry import Point, shape

from appliance.contracts.item import Footprint
from appliance.media.footprint import locate


def geometry(footprint: Footprint) -> object:
    return shape(footprint.model_dump())


def grid(x: float, y: float, pixel: float) -> Affine:
    return Affine(pixel, 0, x, 0, -pixel, y)


def test_a_utm_scene() -> None:
    crs = pyproj.CRS("EPSG:32633")
    found = locate(crs, grid(500_000, 5_000_000, 0.5), 1000, 800)
    assert found.footprint.type == "Polygon"
    assert found.gsd_metres == pytest.approx(0.5, rel=1e-3)
    lon, lat = pyproj.Transformer.from_crs(crs, 4326, always_xy=True).transform(500_250, 4_999_800)
    assert geometry(found.footprint).contains(Point(lon, lat))
    assert found.bbox[0] <= lon <= found.bbox[2]


def test_degrees() -> None:
    found = locate(pyproj.CRS("EPSG:4326"), grid(10, 60.5, 0.001), 1000, 1000)
    across, down = 111_320 * np.cos(np.radians(60)), 111_412
    assert found.gsd_metres == pytest.approx(0.001 * np.sqrt(across * down), rel=0.01)
    assert found.bbox == pytest.approx((10, 59.5, 11, 60.5))


@pytest.mark.parametrize(
    ("crs", "transform"),
    [
        ("EPSG:4326", grid(179, 10, 0.01)),
        ("EPSG:4326", grid(-181, 10, 0.01)),
        ("EPSG:32601", grid(144_000, 1_105_000, 1100)),
    ],
)
def test_the_antimeridian_splits_the_footprint(crs: str, transform: Affine) -> None:
    found = locate(pyproj.CRS(crs), transform, 200, 100)
    assert found.footprint.type == "MultiPolygon"
    west, _, east, _ = found.bbox
    assert west > east  # RFC 7946, 5.2
    west_of_line, east_of_line = sorted(geometry(found.footprint).geoms, key=lambda part: -part.bounds[0])
    assert west_of_line.bounds[2] == pytest.approx(180)
    assert east_of_line.bounds[0] == pytest.approx(-180)
    assert geometry(found.footprint).area < 4


@pytest.mark.parametrize(("code", "pole"), [("EPSG:3413", 90), ("EPSG:3031", -90)])
def test_a_pole_inside(code: str, pole: int) -> None:
    found = locate(pyproj.CRS(code), grid(-500_000, 500_000, 1000), 1000, 1000)
    where = geometry(found.footprint)
    assert where.is_valid
    assert all(where.contains(Point(lon, pole * 0.99)) for lon in range(-179, 180, 17))
    assert found.bbox[0] == pytest.approx(-180)
    assert found.bbox[2] == pytest.approx(180)
    assert max(map(abs, found.bbox[1::2])) == 90
    assert found.gsd_metres == pytest.approx(1000, rel=0.05)


def test_the_whole_world() -> None:
    for left in (-180, 0):
        found = locate(pyproj.CRS("EPSG:4326"), grid(left, 90, 1), 360, 180)
        assert geometry(found.footprint).area == pytest.approx(360 * 180, rel=1e-3)
        assert found.bbox == pytest.approx((-180, -90, 180, 90))


def test_rings_run_counterclockwise() -> None:
    found = locate(pyproj.CRS("EPSG:32633"), grid(500_000, 5_000_000, 0.5), 1000, 800)
    assert geometry(found.footprint).exterior.is_ccw


@pytest.mark.parametrize(
    ("crs", "transform"),
    [
        ("EPSG:4326", grid(10, 1000, 1)),
        ("EPSG:32633", grid(1e12, 1e12, 1)),
        ("EPSG:3857", grid(1e9, 0, 1e7)),
        ("EPSG:3413", grid(float("nan"), 0, 1)),
    ],
)
def test_off_the_earth(crs: str, transform: Affine) -> None:
    with pytest.raises(ValueError, match=r"earth|longitude"):
        locate(pyproj.CRS(crs), transform, 100, 100)
