"""Where a raster lies on the earth: size of a pixel on the ground, outline in WGS84. Pure; called by the decoding process.

An outline is followed in small steps through the projection, its longitudes unwrapped so that they never jump; if they
then wind once around, the outline encloses a pole. Last it is cut at the antimeridian (RFC 7946, 3.1.9).
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyproj
from affine import Affine
from numpy.typing import NDArray
from pyproj.exceptions import ProjError
from shapely import MultiPolygon, Polygon, box, make_valid
from shapely.affinity import translate
from shapely.geometry import mapping
from shapely.geometry.polygon import orient
from shapely.ops import unary_union

from appliance.contracts.item import BBox, Footprint

_STEPS = 32  # along each edge
_TOLERANCE = 1e-4  # of the outline's smaller extent: straight edges need no more than their ends
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
        ring = ring_of_grid(width, height) if outline is None else densify(outline)
        lonlat = _to_lonlat(to_wgs84, transform, ring)
        gsd = _gsd(to_wgs84, transform, width / 2, height / 2)
    except ProjError as error:
        raise ValueError(f"its coordinates cannot be turned into longitude and latitude ({error})") from error
    shape = _on_globe(lonlat)
    if shape.is_empty or not np.isfinite(gsd) or gsd <= 0:
        raise ValueError("its corners do not lie on the earth")
    return Location(gsd, _footprint(shape), _bbox(shape))


def ring_of_grid(width: int, height: int) -> Points:
    """The outline of a grid in pixel positions, in small steps."""
    return densify(np.array([(0, 0), (width, 0), (width, height), (0, height), (0, 0)], float))


def densify(ring: Points) -> Points:
    """The same closed ring with about 4 * _STEPS vertices or more, evenly along each side."""
    share = np.linspace(0, 1, max(2, 4 * _STEPS // (len(ring) - 1)), endpoint=False)[:, None]
    sides = [start + (end - start) * share for start, end in itertools.pairwise(ring)]
    return np.concatenate([*sides, ring[:1]])


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


def _on_globe(lonlat: Points) -> Any:
    """The polygon of a closed ring of longitudes and latitudes, cut at the antimeridian."""
    lon, lat = np.unwrap(lonlat[:, 0], period=360.0), np.clip(lonlat[:, 1], -90, 90)
    winding = lon[-1] - lon[0]
    ring = list(zip(lon.tolist(), lat.tolist(), strict=True))
    if abs(winding) > 180:
        pole = 90.0 if lat.mean() > 0 else -90.0
        ring = [*ring, (lon[-1], pole), (lon[0], pole)]
    whole = Polygon(ring)
    width, height = whole.bounds[2] - whole.bounds[0], whole.bounds[3] - whole.bounds[1]
    shape = make_valid(whole.simplify(_TOLERANCE * min(width, height)))
    parts: list[Any] = []
    for turn in range(-3, 4):
        part = shape.intersection(box(-180 + 360 * turn, -90, 180 + 360 * turn, 90))
        parts.extend(translate(p, -360 * turn) for p in _polygons(part) if p.area > 0)
    return unary_union(parts) if abs(winding) > 180 else MultiPolygon(parts)


def _polygons(shape: Any) -> list[Polygon]:
    if isinstance(shape, Polygon):
        return [shape] if not shape.is_empty else []
    return [part for child in getattr(shape, "geoms", []) for part in _polygons(child)]


def _footprint(shape: Any) -> Footprint:
    polygons = [orient(p) for p in _polygons(shape)]  # exterior counterclockwise, as RFC 7946 wants
    whole = polygons[0] if len(polygons) == 1 else MultiPolygon(polygons)
    return Footprint.model_validate(mapping(whole))


def _bbox(shape: Any) -> BBox:
    """West, south, east, north; west is larger than east where the antimeridian is crossed."""
    west, south, east, north = shape.bounds
    polygons = _polygons(shape)
    left = [p for p in polygons if p.bounds[0] <= -180 + 1e-9]
    right = [p for p in polygons if p.bounds[2] >= 180 - 1e-9]
    crosses = west <= -180 + 1e-9 and east >= 180 - 1e-9 and not set(map(id, left)) & set(map(id, right))
    if crosses:
        eastern = [p for p in polygons if p.centroid.x >= 0]
        western = [p for p in polygons if p.centroid.x < 0]
        if max(p.bounds[2] for p in western) < min(p.bounds[0] for p in eastern) - 1e-9:  # else all around the earth
            west, east = min(p.bounds[0] for p in eastern), max(p.bounds[2] for p in western)
    return (float(west), float(south), float(east), float(north))
