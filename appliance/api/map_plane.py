"""Where things lie on the page's map, EPSG:3857. Pure. Called by services when detections and annotations come in.

A georeferenced item is shown where it is. One without is shown as if a pixel were a metre of EPSG:3857, rows growing
south: x = column, y = -row (docs/adr/0003), so that pictures, detections and annotations have one code path.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import shapely
from numpy.typing import NDArray

from appliance.contracts.detection import PixelBox
from appliance.contracts.item import BBox, SceneInfo
from appliance.vision.georeference import Georeference

MAP_SRID = 3857
WGS84_SRID = 4326
PIXEL_SRID = 0
_RADIUS_METRES = 6_378_137.0
_LATITUDE_LIMIT = 85.051_128_779_806_6
"""Where the square of EPSG:3857 ends: arctan(sinh(pi))."""

Geometries = NDArray[np.object_]
Coordinates = NDArray[np.float64]


def srid_of(scene: SceneInfo) -> int:
    """The reference system of `Detection.geometry` of this scene."""
    return WGS84_SRID if scene.crs else PIXEL_SRID


def to_map(geometries: Geometries, georeferenced: bool) -> Geometries:
    """Shapely geometries in WGS84 or in pixels, to EPSG:3857 metres; beyond 85.05 degrees they are moved to the edge."""
    moved: Geometries = shapely.transform(geometries, _mercator if georeferenced else _flip)
    return moved


def coordinates_to_map(coordinates: Coordinates, georeferenced: bool) -> Coordinates:
    """`to_map` of bare coordinates, (..., 2)."""
    return (_mercator if georeferenced else _flip)(coordinates)


def _mercator(coordinates: Coordinates) -> Coordinates:
    """Spherical Mercator of longitude, latitude in degrees (Snyder 1987, eq. 7-1 and 7-2)."""
    latitude = np.radians(np.clip(coordinates[..., 1], -_LATITUDE_LIMIT, _LATITUDE_LIMIT))
    moved: Coordinates = np.stack(
        (_RADIUS_METRES * np.radians(coordinates[..., 0]), _RADIUS_METRES * np.arcsinh(np.tan(latitude))), axis=-1
    )
    return moved


def _flip(coordinates: Coordinates) -> Coordinates:
    flipped: Coordinates = coordinates * np.array((1.0, -1.0))
    return flipped


def box_to_map(box: BBox, georeferenced: bool) -> BBox:
    """An envelope in WGS84 or pixels to EPSG:3857; both maps keep axes apart, so an envelope stays one."""
    corners = np.array([(box[0], box[1]), (box[2], box[3])], dtype=np.float64)
    (x0, y0), (x1, y1) = coordinates_to_map(corners, georeferenced)
    return (float(min(x0, x1)), float(min(y0, y1)), float(max(x0, x1)), float(max(y0, y1)))


def outline(box: PixelBox) -> list[tuple[float, float]]:
    """The four corners of a box, in pixels, turned clockwise on screen by its angle."""
    turned = np.radians(box.angle_degrees)
    along = np.array((np.cos(turned), np.sin(turned))) * box.width / 2
    across = np.array((-np.sin(turned), np.cos(turned))) * box.height / 2
    centre = np.array((box.x, box.y))
    corners = (centre - along - across, centre + along - across, centre + along + across, centre - along + across)
    return [(float(x), float(y)) for x, y in corners]


def place(shapes: Sequence[list[list[tuple[float, float]]]], scene: SceneInfo) -> tuple[Geometries, Geometries]:
    """Polygons in pixels (rings, the shell first) as `(geometry, map_geometry)`: in WGS84 or pixels, and in EPSG:3857.

    Raises VedetteError(GEOREFERENCE) when the scene's reference system is none that PROJ knows.
    """
    pixels: Geometries = np.array([shapely.Polygon(rings[0], rings[1:]) for rings in shapes], dtype=object)
    if not scene.crs:
        return pixels, to_map(pixels, georeferenced=False)
    georeference = Georeference.of(scene.crs, scene.transform, "the scene")
    ground: Geometries = shapely.transform(pixels, georeference.lonlat)
    return ground, to_map(ground, georeferenced=True)


def ewkb(geometries: Geometries, srid: int) -> list[str]:
    """Hexadecimal EWKB, as PostGIS reads it in COPY."""
    return list(shapely.to_wkb(shapely.set_srid(geometries, srid), hex=True, include_srid=True))
