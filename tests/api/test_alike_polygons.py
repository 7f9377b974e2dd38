"""Boxes read as one table are what shapely reads one by one, and nothing else passes for boxes."""

from __future__ import annotations

import struct

import numpy as np
import pyarrow as pa
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from appliance.api.map_plane import MAP_SRID, WGS84_SRID, coordinates_to_map, to_map
from appliance.api.services import alike_polygons

_BOX = shapely.box(1, 2, 3, 4)


def _column(*wkb: bytes) -> pa.BinaryArray:
    return pa.array(wkb, pa.binary())


def _closed(points: int) -> st.SearchStrategy[np.ndarray]:
    corners = arrays(
        np.float64, st.tuples(st.integers(1, 20), st.just(points), st.just(2)), elements=st.floats(-89, 89)
    )
    return corners.map(lambda values: np.concatenate((values, values[:, :1]), axis=1))


@given(st.integers(3, 9).flatmap(_closed), st.booleans(), st.integers(0, 3))
def test_alike_polygons_are_read_and_written_as_shapely_does(rings: np.ndarray, placed: bool, skipped: int) -> None:
    polygons = np.asarray(shapely.polygons(rings), dtype=object)
    column = _column(*shapely.to_wkb(polygons)).slice(min(skipped, len(rings) - 1))
    polygons = polygons[len(rings) - len(column) :]
    read = alike_polygons.rings(column)
    assert read is not None
    assert np.array_equal(np.asarray(shapely.polygons(read), dtype=object), polygons)
    for srid, coordinates, shapes in (
        (WGS84_SRID, read, polygons),
        (MAP_SRID, coordinates_to_map(read, placed), to_map(polygons, placed)),
    ):
        expected = shapely.to_wkb(shapely.set_srid(shapes, srid), include_srid=True, byte_order=1)
        assert [row.tobytes() for row in alike_polygons.ewkb(coordinates, srid)] == list(expected)


@pytest.mark.parametrize(
    "wkb",
    [
        shapely.to_wkb(_BOX, byte_order=0),
        shapely.to_wkb(shapely.set_srid(_BOX, 4326), include_srid=True),
        shapely.to_wkb(shapely.force_3d(_BOX)),
        shapely.to_wkb(shapely.Point(1, 2)),
        shapely.to_wkb(shapely.MultiPolygon([_BOX])),
        shapely.to_wkb(shapely.Polygon([(0, 0), (9, 0), (9, 9)], [[(1, 1), (2, 1), (2, 2)]])),
        struct.pack("<BIII8d", 1, 3, 1, 4, 0, 0, 1, 0, 1, 1, 0, 1),  # not closed
        struct.pack("<BIII8d", 1, 3, 1, 4, 0, 0, np.nan, 0, 1, 1, 0, 0),
        struct.pack("<BIII8d", 1, 3, 1, 5, 0, 0, 1, 0, 1, 1, 0, 0),  # says five points, holds four
        struct.pack("<BIII8d", 1, 3, 2**28, 4, 0, 0, 1, 0, 1, 1, 0, 0),
        b"",
        b"not wkb",
    ],
)
def test_any_other_geometry_is_left_to_be_read_with_care(wkb: bytes) -> None:
    assert alike_polygons.rings(_column(wkb)) is None
    assert alike_polygons.rings(_column(shapely.to_wkb(_BOX), wkb)) is None
