"""Which boxes overlap, and by how much. Called by vision/merge. Knows boxes only, not where they come from.

Pairs come from a sweep where boxes are of like size, else from an R-tree (shapely's STRtree): either way the cost follows
the overlaps there are, not the square of the boxes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely

from appliance.vision.candidates import Floats, Integers, corners, envelopes

_MOST_LOOKED_AT = 48
"""Pairs for each box: beyond this the R-tree is the faster."""


@dataclass(frozen=True)
class Pairs:
    """Boxes first[i] < second[i] that share `intersection[i]` square pixels, of `union[i]`; `smaller[i]` is the lesser area."""

    first: Integers
    second: Integers
    intersection: Floats
    areas: tuple[Floats, Floats]

    @property
    def iou(self) -> Floats:
        """Intersection over union, 0 where both areas are 0."""
        union = self.areas[0] + self.areas[1] - self.intersection
        return np.divide(self.intersection, union, out=np.zeros_like(union), where=union > 0)


def overlapping(boxes: Floats) -> Pairs:
    """Every pair of the (n, 5) boxes whose interiors meet. Exact for rotated boxes (polygon clipping)."""
    bounds = envelopes(boxes)
    first, second = _meeting(bounds)
    west, north, east, south = np.ascontiguousarray(bounds.T)
    wide = np.minimum(east[first], east[second]) - np.maximum(west[first], west[second])
    high = np.minimum(south[first], south[second]) - np.maximum(north[first], north[second])
    meets = (wide > 0) & (high > 0)
    first, second, intersection = first[meets], second[meets], wide[meets] * high[meets]
    turned = (boxes[first, 4] != 0) | (boxes[second, 4] != 0)
    if turned.any():
        intersection[turned] = _clipped(boxes, first[turned], second[turned])
        meets = intersection > 0
        first, second, intersection = first[meets], second[meets], intersection[meets]
    area = boxes[:, 2] * boxes[:, 3]
    return Pairs(first, second, intersection, (area[first], area[second]))


def _meeting(bounds: Floats) -> tuple[Integers, Integers]:
    """Pairs first < second that hold every two bounds (n, 4) whose interiors meet, and some that do not."""
    swept = _swept(bounds) if len(bounds) > 1 else (np.empty(0, np.int64), np.empty(0, np.int64))
    if swept is None:
        tree = shapely.STRtree(shapely.box(bounds[:, 0], bounds[:, 1], bounds[:, 2], bounds[:, 3]))
        first, second = tree.query(tree.geometries)
        once = first < second
        return first[once], second[once]
    return np.minimum(*swept), np.maximum(*swept)


def _swept(bounds: Floats) -> tuple[Integers, Integers] | None:
    """The pairs by a sweep over strips as high as the highest box, so that only neighbouring strips can meet: three
    times as fast as the R-tree where boxes are of like size. None where sizes are so unlike that too many would be looked at."""
    west, north, east, south = np.ascontiguousarray(bounds.T)
    east, west = east - west.min(), west - west.min()
    widest = float((east - west).max())
    span = float(west.max()) + widest + 1.0
    strip = np.floor((north - north.min()) / max(float((south - north).max()), 1.0))
    key = strip * span + west
    order = np.argsort(key, kind="stable")
    key, reach = key[order], (strip * span + east)[order]
    after = np.arange(1, len(key) + 1)
    starts = np.concatenate([after, np.searchsorted(key, key + span - widest)])
    ends = np.concatenate([np.maximum(np.searchsorted(key, reach), after), np.searchsorted(key, reach + span)])
    counts = ends - starts
    if counts.sum() > _MOST_LOOKED_AT * len(key):
        return None
    totals = np.cumsum(counts)
    first = np.repeat(np.concatenate([order, order]), counts)
    second = order[np.arange(totals[-1]) - np.repeat(totals - counts - starts, counts)]
    return first, second


def _clipped(boxes: Floats, first: Integers, second: Integers) -> Floats:
    used, places = np.unique(np.concatenate([first, second]), return_inverse=True)
    shapes = np.asarray(shapely.polygons(corners(boxes[used])), dtype=object)
    one, other = shapes[places[: len(first)]], shapes[places[len(first) :]]
    area: Floats = shapely.area(shapely.intersection(one, other))
    return area
