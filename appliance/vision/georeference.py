"""From pixels to the earth: outlines in WGS84, areas in square metres, the ground size of a pixel.

Called by inference/geometry.py and anything that shows detections. Pure but for pyproj's tables. Longitudes and latitudes are
WGS84, x first (OGC:CRS84); rings that cross the antimeridian are cut there (RFC 7946, section 3.1.9).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyproj
import shapely
import shapely.affinity
from numpy.typing import NDArray
from pyproj.exceptions import CRSError, ProjError

from appliance.contracts.errors import Code, VedetteError
from appliance.contracts.item import Affine
from appliance.vision.candidates import Floats

_WGS84 = pyproj.Geod(ellps="WGS84")
_A = _WGS84.a
_E2 = _WGS84.es


@dataclass(frozen=True)
class Georeference:
    """Pixel to ground of one scene. `to_lonlat` is None without georeference: outlines then stay in pixels."""

    transform: Affine
    transformer: pyproj.Transformer | None

    @classmethod
    def of(cls, crs: str | None, transform: Affine, scene: str) -> Georeference:
        """Raises VedetteError(GEOREFERENCE) when the CRS is not one that PROJ knows."""
        if crs is None:
            return cls(transform, None)
        try:
            transformer = pyproj.Transformer.from_crs(pyproj.CRS.from_user_input(crs), "OGC:CRS84", always_xy=True)
        except (CRSError, ProjError) as error:
            raise VedetteError(
                Code.GEOREFERENCE,
                f"The coordinate reference system of {scene} cannot be understood.",
                "Assign one, for instance with `gdal_edit.py -a_srs EPSG:n`.",
            ) from error
        return cls(transform, transformer)

    def ground(self, pixels: Floats) -> Floats:
        """Pixel positions (..., 2) to the scene's own coordinate system."""
        a, b, c, d, e, f = self.transform
        x, y = pixels[..., 0], pixels[..., 1]
        return np.stack([a * x + b * y + c, d * x + e * y + f], axis=-1)

    def lonlat(self, pixels: Floats) -> Floats:
        """Pixel positions (..., 2) to longitude and latitude; infinite where the projection has no answer."""
        if self.transformer is None:
            return pixels
        ground = self.ground(pixels)
        lon, lat = self.transformer.transform(ground[..., 0], ground[..., 1], errcheck=False)
        return np.stack([lon, lat], axis=-1)

    def pixels(self, lonlat: Floats) -> Floats:
        """Longitudes and latitudes (..., 2) to pixel positions; infinite where the projection has no answer."""
        if self.transformer is None:
            return lonlat
        x, y = self.transformer.transform(lonlat[..., 0], lonlat[..., 1], direction="INVERSE", errcheck=False)
        a, b, c, d, e, f = self.transform
        determinant = a * e - b * d
        across, down = np.asarray(x) - c, np.asarray(y) - f
        return np.stack([(e * across - b * down) / determinant, (a * down - d * across) / determinant], axis=-1)

    def gsd_metres(self, width: int, height: int) -> float | None:
        """The ground size of a pixel at the scene's centre (the root of its area); None without georeference."""
        if self.transformer is None:
            return None
        square = np.array([[[-0.5, -0.5], [0.5, -0.5], [0.5, 0.5], [-0.5, 0.5]]])
        square += np.array([width / 2, height / 2])
        area = float(areas(self.lonlat(square))[0])
        return float(np.sqrt(area)) if np.isfinite(area) and area > 0 else None


def areas(rings: Floats) -> Floats:
    """Square metres (n,) of WGS84 rings (n, m, 2) small against the earth.

    Degrees become metres by the ellipsoid's radii of curvature at each ring's mean latitude (Snyder 1987, Map
    Projections, p. 24-25), then the shoelace formula; the error is under 1e-4 for rings of up to 10 km.
    """
    lonlat = np.radians(unwrapped(rings))
    latitude = lonlat[..., 1].mean(axis=1, keepdims=True)
    bend = 1 - _E2 * np.sin(latitude) ** 2
    north = (lonlat[..., 1] - latitude) * _A * (1 - _E2) / bend**1.5
    east = (lonlat[..., 0] - lonlat[:, :1, 0]) * _A / np.sqrt(bend) * np.cos(latitude)
    following_east, following_north = np.roll(east, -1, axis=1), np.roll(north, -1, axis=1)
    area: Floats = np.abs((east * following_north - following_east * north).sum(axis=1)) / 2
    return area


def unwrapped(rings: Floats) -> Floats:
    """Rings (n, m, 2) whose longitudes run on past 180 degrees where the ring crosses the antimeridian."""
    crosses = np.ptp(rings[..., 0], axis=1) > 180
    if not crosses.any():
        return rings
    whole = rings.copy()
    west = crosses[:, None] & (rings[..., 0] < 0)
    whole[..., 0] = np.where(west, rings[..., 0] + 360, rings[..., 0])
    return whole


def polygons(rings: Floats) -> NDArray[np.object_]:
    """Polygons (n,) of WGS84 rings (n, m, 2); MultiPolygons where a ring crosses the antimeridian."""
    whole = unwrapped(rings)
    shapes = np.asarray(shapely.polygons(whole), dtype=object)
    crosses = (whole[..., 0] > 180).any(axis=1) | (whole[..., 0] < -180).any(axis=1)
    for index in np.flatnonzero(crosses):
        shapes[index] = cut_at_antimeridian(shapes[index])
    return shapes


def cut_at_antimeridian(shape: shapely.Geometry) -> shapely.Geometry:
    """A polygon whose longitudes run past +-180 as parts within [-180, 180]."""
    parts = []
    for turn in (-360, 0, 360):
        part = shapely.intersection(shape, shapely.box(-180 + turn, -90, 180 + turn, 90))
        moved = shapely.affinity.translate(part, xoff=-turn)
        parts += [p for p in shapely.get_parts(moved) if p.geom_type == "Polygon" and not p.is_empty]
    return parts[0] if len(parts) == 1 else shapely.MultiPolygon(parts)
