"""How large detections are, as SQL. Used by storage/detections.py and storage/vector_tiles.py; knows no route.

The size is the longer side of the box in pixels of the scene, to a tenth: so tiles have it, so the page filters by it. The area is in square metres where the scene is
georeferenced, else in square pixels: the geometry of such a scene is in pixels, and has the reference system 0.
"""

from __future__ import annotations

from dataclasses import asdict

from sqlalchemy import ColumnElement, text

from appliance.api.views.detections import Measures

SIZE = "(round(GREATEST(width, height) * 10) / 10)"
AREA = "COALESCE(area_square_metres, CASE WHEN ST_SRID(geometry) = 0 THEN ST_Area(geometry) END)"


def _bound(measure: str, name: str, comparison: str) -> str:
    return f"(CAST(:{name} AS float8) IS NULL OR {measure} {comparison} CAST(:{name} AS float8))"


WITHIN = " AND ".join(
    (
        _bound(SIZE, "min_size", ">="),
        _bound(SIZE, "max_size", "<="),
        _bound(AREA, "min_area", ">="),
        _bound(AREA, "max_area", "<="),
    )
)
"""A condition on a row of `detections`; its parameters are the fields of `Measures`."""


def within(measures: Measures) -> list[ColumnElement[bool]]:
    """Nothing where nothing is bounded."""
    values = asdict(measures)
    if all(value is None for value in values.values()):
        return []
    # A text clause is a condition, although its type does not say so.
    return [text(f"({WITHIN})").bindparams(**values)]  # type: ignore[list-item]
