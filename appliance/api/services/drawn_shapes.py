"""What a person drew, as a box or polygon in the scene's pixels; refused where it is none. Pure. Called by
services/annotation_edits.py; knows neither the database nor HTTP."""

from __future__ import annotations

import unicodedata

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.validation import explain_validity

from appliance.api.map_plane import outline
from appliance.api.views.annotations import PolygonGeometry, ShapeKind
from appliance.contracts.annotation import Rings
from appliance.contracts.detection import Detection, PixelBox
from appliance.contracts.errors import Code, VedetteError
from appliance.contracts.item import SceneInfo
from appliance.vision.georeference import Georeference

_SMALLEST_PIXELS = 0.1
_INSIDE = 0.5
"""At least this share of a shape lies in the scene: it may stand out at an edge, as detections may."""
_STRAIGHT_PIXELS = 0.5
_LABEL_LIMIT = 255

Corners = NDArray[np.float64]
Shape = tuple[PixelBox, Rings | None]


def clean_label(label: str) -> str:
    """The label without space around it. Raises VedetteError(INVALID) on markup, control characters or none at all."""
    plain = label.strip()
    if not plain or len(plain) > _LABEL_LIMIT:
        raise _invalid(f"A label has 1 to {_LABEL_LIMIT} characters.", "Name the object.")
    if any(letter in "<>" or (unicodedata.category(letter)[0] in "CZ" and letter != " ") for letter in plain):
        raise _invalid("A label holds no angle brackets and no control characters.", "Use letters, digits and spaces.")
    return plain


def drawn(geometry: PolygonGeometry, kind: ShapeKind, scene: SceneInfo) -> Shape:
    """Box and rings in pixels; no rings where it is a box. Raises VedetteError(INVALID) with one sentence why not."""
    rings = [_pixels(ring, scene) for ring in geometry.coordinates]
    if not rings or any(len(ring) < 3 for ring in rings):
        raise _invalid("A polygon has at least three corners.", "Draw it with three corners or more.")
    if kind is ShapeKind.POLYGON:
        shape, found = shapely.Polygon(rings[0], rings[1:]), _envelope(rings[0])
    else:
        if len(rings) != 1 or len(rings[0]) != 4:
            raise _invalid("A box has four corners.", "Send them in order, or draw a polygon.")
        found = _box(rings[0], turned=kind is ShapeKind.TURNED_BOX)
        shape = shapely.Polygon(outline(found))
    _check(shape, found, scene)
    if kind is not ShapeKind.POLYGON:
        return found, None
    return found, [[(float(x), float(y)) for x, y in ring] for ring in rings]


def of_detection(detection: Detection, scene: SceneInfo) -> Shape:
    """The detection's own box, and its outline where that is more than the box."""
    coordinates = detection.geometry.get("coordinates", [])
    if detection.geometry.get("type") != "Polygon" or not coordinates:
        # Cut at the antimeridian: the box tells the same.
        return detection.box, None
    rings = [_pixels(ring, scene) for ring in coordinates]
    if len(rings) == 1 and len(rings[0]) == 4:
        corners = np.array(outline(detection.box))
        away = np.linalg.norm(rings[0][:, None] - corners[None], axis=2).min(axis=1)
        if away.max() < _STRAIGHT_PIXELS:
            return detection.box, None
    return detection.box, [[(float(x), float(y)) for x, y in ring] for ring in rings]


def _pixels(ring: list[tuple[float, float]], scene: SceneInfo) -> Corners:
    """(n, 2) pixel positions, without the closing one. Raises VedetteError(INVALID) where the projection has none."""
    given: Corners = np.array(ring, np.float64).reshape(-1, 2)
    if len(given) > 1 and (given[0] == given[-1]).all():
        given = given[:-1]
    if scene.crs:
        given = Georeference.of(scene.crs, scene.transform, "the scene").pixels(given)
    if not np.isfinite(given).all():
        raise _outside()
    return given


def _envelope(ring: Corners) -> PixelBox:
    (x0, y0), (x1, y1) = ring.min(axis=0), ring.max(axis=0)
    return PixelBox(x=(x0 + x1) / 2, y=(y0 + y1) / 2, width=x1 - x0, height=y1 - y0)


def _box(corners: Corners, turned: bool) -> PixelBox:
    """The rectangle nearest to four corners: their mean, and the means of opposite sides."""
    along = ((corners[1] - corners[0]) + (corners[2] - corners[3])) / 2
    across = ((corners[3] - corners[0]) + (corners[2] - corners[1])) / 2
    if abs(along[0]) < abs(along[1]):
        along, across = across, along
    x, y = corners.mean(axis=0)
    width, height = float(np.hypot(*along)), float(np.hypot(*across))
    degrees = float(np.degrees(np.arctan2(along[1], along[0]))) if turned else 0.0
    angle = (degrees + 90) % 180 - 90
    return PixelBox(x=float(x), y=float(y), width=width, height=height, angle_degrees=angle)


def _check(shape: shapely.Polygon, box: PixelBox, scene: SceneInfo) -> None:
    if box.width < _SMALLEST_PIXELS or box.height < _SMALLEST_PIXELS:
        raise _invalid("The shape has no area.", "Draw it larger.")
    if not shape.is_valid:
        why = explain_validity(shape).split("[")[0].strip().lower()
        raise _invalid(f"The polygon is not a plain outline: {why}.", "Draw it so that no sides cross.")
    inside = shape.intersection(shapely.box(0, 0, scene.width, scene.height)).area
    if inside < shape.area * _INSIDE:
        raise _outside()


def _outside() -> VedetteError:
    return _invalid("The shape lies outside the scene.", "Draw it within the scene.")


def _invalid(message: str, remedy: str) -> VedetteError:
    return VedetteError(Code.INVALID, message, remedy)
