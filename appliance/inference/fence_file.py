"""Read a geofence: every polygon of a vector file, in WGS84. Called by `vedette predict --geofence`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyogrio
import pyproj
import shapely
from shapely.geometry.base import BaseGeometry

from appliance.contracts.errors import Code, VedetteError

_REMEDY = "Give a GeoJSON, GeoPackage or FlatGeobuf file with at least one polygon."
_LARGEST_BYTES = 256 << 20


def read(path: Path) -> BaseGeometry:
    """The union of the file's polygons. Raises VedetteError(NOT_FOUND, UNREADABLE, EMPTY, TOO_LARGE)."""
    if not path.is_file():
        raise VedetteError(Code.NOT_FOUND, f"{path} is not a file.", "Check the path of the geofence.")
    if path.stat().st_size > _LARGEST_BYTES:
        raise VedetteError(Code.TOO_LARGE, f"{path} is larger than 256 MiB.", "Simplify the geofence.")
    try:
        meta, _, wkb, _ = pyogrio.raw.read(path, columns=[])  # type: ignore[no-untyped-call]
        shapes = shapely.from_wkb(wkb)
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, shapely.errors.ShapelyError) as error:
        raise VedetteError(Code.UNREADABLE, f"{path} is not a vector file that can be read.", _REMEDY) from error
    parts = shapely.get_parts(shapes[~shapely.is_missing(shapes)])
    areas = parts[np.isin(shapely.get_type_id(parts), (3, 6))]
    if not len(areas):
        raise VedetteError(Code.EMPTY, f"{path} holds no polygon.", _REMEDY)
    area = shapely.make_valid(shapely.force_2d(shapely.union_all(shapely.make_valid(areas))))
    if not meta["crs"] or pyproj.CRS.from_user_input(meta["crs"]).equals("OGC:CRS84", ignore_axis_order=True):
        return area
    to_wgs84 = pyproj.Transformer.from_crs(meta["crs"], "OGC:CRS84", always_xy=True)
    moved: BaseGeometry = shapely.transform(area, lambda points: np.stack(to_wgs84.transform(*points.T), axis=1))
    return moved
