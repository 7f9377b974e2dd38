"""Which boxes overlap, and by how much. Called by vision/merge. Knows boxes only, not where they come from.

Pairs come from an R-tree (shapely's STRtree), so the cost follows the overlaps there are, not the square of the boxes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely

from appliance.vision.candidates import Floats, Integers, corners, envelopes


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
    tree = shapely.STRtree(shapely.box(bounds[:, 0], bounds[:, 1], bounds[:, 2], bounds[:, 3]))
    first, second = tree.query(tree.geometries)
    once = first < second
    first, second = first[once], second[once]
    area = boxes[:, 2] * boxes[:, 3]
    a, b = bounds[first], bounds[second]
    wide = np.minimum(a[:, 2], b[:, 2]) - np.maximum(a[:, 0], b[:, 0])
    high = np.minimum(a[:, 3], b[:, 3]) - np.maximum(a[:, 1], b[:, 1])
    intersection = np.clip(wide, 0, None) * np.clip(high, 0, None)
    turned = (boxes[first, 4] != 0) | (boxes[second, 4] != 0)
    if turned.any():
        intersection[turned] = _clipped(boxes, first[turned], second[turned])
    meets = intersection > 0
    first, second = first[meets], second[meets]
    return Pairs(first, second, intersection[meets], (area[first], area[second]))


def _clipped(boxes: Floats, first: Integers, second: Integers) -> Floats:
    used, places = np.unique(np.concatenate([first, second]), return_inverse=True)
    shapes = np.asarray(shapely.polygons(corners(boxes[used])), dtype=object)
    one, other = shapes[places[: len(first)]], shapes[places[len(first) :]]
    area: Floats = shapely.area(shapely.intersection(one, other))
    return area
