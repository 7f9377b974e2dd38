"""Where a raster lies on the earth: size of a pixel on the ground, outline in WGS84. Pure; called by the decoding process.

An outline is followed in small steps through the projection; vision/globe.py makes its shape.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyproj
from affine import Affine
from numpy.typing import NDArray
from pyproj.exceptions import ProjError
from shapely import MultiPolygon
from shapely.geometry import mapping
from shapely.geometry.polygon import orient

from appliance.contracts.item import BBox, Footprint
from appliance.vision import globe

_GEOD = pyproj.Geod(ellps="WGS84")
Points = NDArray[np.float64]


@dataclass(frozen=True)
class Location:
    """What a grid means on the ground."""

    gsd_metres: float
    footprint: Footprint
    bbox: BBox


def locate(crs: pyproj.CRS, transform: Affine, width: int, height: int, outline: Points | None = None) -> Location:
    """Raises ValueError when the grid does not lie on the earth.

    `outline` is a closed ring (n, 2) of pixel positions (col, row) around the valid part; None means the whole grid.
    """
    try:
        to_wgs84 = pyproj.Transformer.from_crs(crs, "OGC:CRS84", always_xy=True)
        ring = ring_of_grid(width, height) if outline is None else globe.densified(outline)
        lonlat = _to_lonlat(to_wgs84, transform, ring)
        gsd = _gsd(to_wgs84, transform, width / 2, height / 2)
    except ProjError as error:
        raise ValueError(f"its coordinates cannot be turned into longitude and latitude ({error})") from error
    shape = globe.shape(lonlat)
    if shape.is_empty or not np.isfinite(gsd) or gsd <= 0:
        raise ValueError("its corners do not lie on the earth")
    return Location(gsd, _footprint(shape), _bbox(shape))


def ring_of_grid(width: int, height: int) -> Points:
    """The outline of a grid in pixel positions, in small steps."""
    return globe.densified(np.array([(0, 0), (width, 0), (width, height), (0, height), (0, 0)], float))


def _to_lonlat(to_wgs84: pyproj.Transformer, transform: Affine, pixels: Points) -> Points:
    lonlat = np.column_stack(to_wgs84.transform(*_ground(transform, pixels[:, 0], pixels[:, 1])))
    if not np.isfinite(lonlat).all() or np.abs(lonlat[:, 1]).max() > 90.0001 or np.abs(lonlat[:, 0]).max() > 540:
        raise ValueError("its corners do not lie on the earth")
    return lonlat


def _ground(transform: Affine, cols: Points, rows: Points) -> tuple[Points, Points]:
    a, b, c, d, e, f = tuple(transform)[:6]
    return a * cols + b * rows + c, d * cols + e * rows + f


def _gsd(to_wgs84: pyproj.Transformer, transform: Affine, col: float, row: float) -> float:
    """The side of a square as large as the pixel at (col, row), in metres on the WGS84 ellipsoid."""
    cols = np.array([col - 0.5, col + 0.5, col, col])
    rows = np.array([row, row, row - 0.5, row + 0.5])
    lon, lat = to_wgs84.transform(*_ground(transform, cols, rows))
    across = _GEOD.inv(lon[0], lat[0], lon[1], lat[1])[2]
    down = _GEOD.inv(lon[2], lat[2], lon[3], lat[3])[2]
    return float(np.sqrt(abs(across) * abs(down)))


def _footprint(shape: Any) -> Footprint:
    polygons = [orient(p) for p in globe.polygons(shape)]  # exterior counterclockwise, as RFC 7946 wants
    whole = polygons[0] if len(polygons) == 1 else MultiPolygon(polygons)
    return Footprint.model_validate(mapping(whole))


def _bbox(shape: Any) -> BBox:
    """West, south, east, north; west is larger than east where the antimeridian is crossed."""
    west, south, east, north = shape.bounds
    polygons = globe.polygons(shape)
    left = [p for p in polygons if p.bounds[0] <= -180 + 1e-9]
    right = [p for p in polygons if p.bounds[2] >= 180 - 1e-9]
    crosses = west <= -180 + 1e-9 and east >= 180 - 1e-9 and not set(map(id, left)) & set(map(id, right))
    if crosses:
        eastern = [p for p in polygons if p.centroid.x >= 0]
        western = [p for p in polygons if p.centroid.x < 0]
        if max(p.bounds[2] for p in western) < min(p.bounds[0] for p in eastern) - 1e-9:  # else all around the earth
            west, east = min(p.bounds[0] for p in eastern), max(p.bounds[2] for p in western)
    return (float(west), float(south), float(east), float(north))
