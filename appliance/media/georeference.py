"""What the source says about its place on the earth, cleaned: a CRS and a transform that work, or neither.

Called by the decoding process when it plans; knows rasterio datasets, decides with footprint.py.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyproj
from affine import Affine
from pyproj.aoi import AreaOfInterest
from pyproj.database import query_utm_crs_info
from pyproj.exceptions import CRSError
from rasterio.crs import CRS

from appliance.media.footprint import locate

_EPSG_CONFIDENCE = 100


@dataclass(frozen=True)
class Georeference:
    """`crs` None means pixel coordinates and an identity transform. `warp_to` is set when GCPs must be warped away."""

    crs: CRS | None
    transform: Affine
    warp_to: CRS | None = None
    notes: tuple[str, ...] = ()


def of_dataset(source: Any) -> Georeference:
    """Never raises: whatever is broken is left out, and a note says so."""
    gcps, gcps_crs = source.gcps
    if len(gcps) >= 3 and gcps_crs and source.transform.is_identity:
        return _of_gcps(gcps, gcps_crs)
    notes = ["It has rational polynomial coefficients; it is not orthorectified yet."] if source.rpcs else []
    crs, transform = source.crs, source.transform
    if not crs:
        if not transform.is_identity:
            notes.append("It has a geotransform but no coordinate reference system, so it is shown in pixels.")
        return Georeference(None, Affine.identity(), notes=tuple(notes))
    problem = _problem(crs, transform, source.width, source.height)
    if problem:
        notes.append(f"Its georeference is left out: {problem}. It is shown in pixels.")
        return Georeference(None, Affine.identity(), notes=tuple(notes))
    return Georeference(crs, transform, notes=tuple(notes))


def _problem(crs: CRS, transform: Affine, width: int, height: int) -> str:
    """Why the georeference cannot be used; empty when it can."""
    if not np.isfinite(list(transform)).all() or abs(transform.determinant) < 1e-30:
        return "its geotransform is degenerate"
    if transform.is_identity:
        return "its geotransform is missing"
    try:
        locate(to_pyproj(crs), transform, width, height)
    except CRSError:
        return "its coordinate reference system is broken"
    except ValueError as error:
        return str(error)
    return ""


def to_pyproj(crs: CRS) -> pyproj.CRS:
    """Raises pyproj.exceptions.CRSError where PROJ does not understand it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pyproj.CRS.from_wkt(crs.to_wkt())


def written(crs: CRS) -> str:
    """`EPSG:n` where that says all of it, else WKT2."""
    code = crs.to_epsg(confidence_threshold=_EPSG_CONFIDENCE)
    return f"EPSG:{code}" if code else str(crs.to_wkt(version="WKT2_2019"))


def _of_gcps(gcps: Any, crs: CRS) -> Georeference:
    points = np.array([(gcp.x, gcp.y, gcp.row, gcp.col) for gcp in gcps], float)
    unreferenced = Georeference(None, Affine.identity())
    if not np.isfinite(points).all():
        return replace(unreferenced, notes=("Its ground control points are broken; it is shown in pixels.",))
    try:
        target = _projected(crs, points[:, 0], points[:, 1])
    except (CRSError, ValueError):
        return replace(unreferenced, notes=("Its ground control points cannot be placed; it is shown in pixels.",))
    note = f"It was warped from {len(gcps)} ground control points onto a north-up grid in {written(target)}."
    return Georeference(crs, Affine.identity(), warp_to=target, notes=(note,))


def _projected(crs: CRS, x: Any, y: Any) -> CRS:
    """The CRS itself where it is projected, else the UTM zone (or polar grid) under the points."""
    if crs.is_projected:
        return crs
    lon, lat = pyproj.Transformer.from_crs(to_pyproj(crs), "OGC:CRS84", always_xy=True).transform(x, y)
    if not (np.isfinite(lon).all() and np.isfinite(lat).all()):
        raise ValueError("not on the earth")
    west, south = float((np.unwrap(lon, period=360).mean() + 180) % 360 - 180), float(lat.mean())
    if abs(south) > 84:
        return CRS.from_epsg(5041 if south > 0 else 5042)
    zones = query_utm_crs_info("WGS 84", AreaOfInterest(west, south, west, south))
    if not zones:
        raise ValueError("no UTM zone")
    return CRS.from_epsg(int(zones[0].code))
