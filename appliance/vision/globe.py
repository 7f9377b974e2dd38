"""Rings of longitudes and latitudes as shapes on the globe, where the map ends: at the antimeridian and around a pole.

Called by vision/georeference (objects) and media/footprint (scenes). Pure.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from shapely import MultiPolygon, Polygon, box, make_valid
from shapely.affinity import translate
from shapely.ops import unary_union

from appliance.vision.candidates import Floats

_STEPS = 32  # along each edge of a rectangle
_TOLERANCE = 1e-4  # of the outline's smaller extent: straight edges need no more than their ends


def densified(ring: Floats) -> Floats:
    """The same closed ring (n, 2) with about 128 vertices or more, evenly along each side."""
    share = np.linspace(0, 1, max(2, 4 * _STEPS // (len(ring) - 1)), endpoint=False)[:, None]
    sides = [start + (end - start) * share for start, end in itertools.pairwise(ring)]
    return np.concatenate([*sides, ring[:1]])


def shape(lonlat: Floats) -> Any:
    """The polygon of a closed ring (n, 2) that was followed in small steps, in parts within [-180, 180].

    Its longitudes are unwrapped so that they never jump; if they then wind once around, the ring encloses a pole. Last it
    is cut at the antimeridian (RFC 7946, 3.1.9).
    """
    lon, lat = np.unwrap(lonlat[:, 0], period=360.0), np.clip(lonlat[:, 1], -90, 90)
    around = abs(lon[-1] - lon[0]) > 180
    ring = list(zip(lon.tolist(), lat.tolist(), strict=True))
    if around:
        pole = 90.0 if lat.mean() > 0 else -90.0
        ring = [*ring, (lon[-1], pole), (lon[0], pole)]
    whole = Polygon(ring)
    width, height = whole.bounds[2] - whole.bounds[0], whole.bounds[3] - whole.bounds[1]
    valid = make_valid(whole.simplify(_TOLERANCE * min(width, height)))
    parts: list[Any] = []
    for turn in range(-3, 4):
        part = valid.intersection(box(-180 + 360 * turn, -90, 180 + 360 * turn, 90))
        parts.extend(translate(p, -360 * turn) for p in polygons(part) if p.area > 0)
    return unary_union(parts) if around else MultiPolygon(parts)


def polygons(shape: Any) -> list[Polygon]:
    """Every polygon in a geometry of any kind."""
    if isinstance(shape, Polygon):
        return [shape] if not shape.is_empty else []
    return [part for child in getattr(shape, "geoms", []) for part in polygons(child)]
