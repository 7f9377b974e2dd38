"""Bodies of one annotation's change, and the problem that tells of a change made meanwhile."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Field
from pydantic.config import JsonDict

from appliance.api.views.work import Problem
from appliance.contracts.annotation import Annotation, DetectionName, Verdict
from appliance.contracts.base import Contract
from appliance.contracts.errors import Code, VedetteError

MOST_CORNERS = 10_000


class ShapeKind(StrEnum):
    """A box lies along the pixels' rows; a turned box need not; both come as their four corners in order."""

    BOX = "box"
    TURNED_BOX = "turned-box"
    POLYGON = "polygon"


def _few_enough(value: Any) -> Any:
    """Refused before a million corners are looked at one by one."""
    if isinstance(value, list):
        corners = sum(len(ring) for ring in value if isinstance(ring, list)) + len(value)
        if corners > MOST_CORNERS:
            raise VedetteError(
                Code.INVALID, f"The polygon has more than {MOST_CORNERS:,} corners.", "Draw it with fewer corners."
            )
    return value


Coordinate = Annotated[float, Field(ge=-1e8, le=1e8)]
PolygonCoordinates = Annotated[list[list[tuple[Coordinate, Coordinate]]], BeforeValidator(_few_enough)]


class PolygonGeometry(Contract):
    """A GeoJSON polygon in the coordinates of `Detection.geometry`: WGS84, or pixels without georeference."""

    type: Literal["Polygon"] = "Polygon"
    coordinates: PolygonCoordinates


_EXAMPLE: JsonDict = {
    "revision": 0,
    "verdict": "accepted",
    "label": "tree/crown",
    "shape": "box",
    "geometry": {
        "type": "Polygon",
        "coordinates": [[[-81.98, 29.69], [-81.97, 29.69], [-81.97, 29.68], [-81.98, 29.68], [-81.98, 29.69]]],
    },
}


class AnnotationChange(Contract):
    """What an annotation shall be. `revision` is the one this was made on, 0 for a new annotation.

    Without `label` or `geometry`, those of the detection `origin` names.
    """

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    revision: int = Field(ge=0, lt=1 << 62)
    verdict: Verdict = Verdict.ACCEPTED
    label: str | None = Field(default=None, max_length=1000)
    shape: ShapeKind = ShapeKind.POLYGON
    geometry: PolygonGeometry | None = None
    origin: DetectionName | None = None


class StaleProblem(Problem):
    """409: somebody else was faster. `present` is the annotation as it is now, null where there is none any more."""

    present: Annotation | None = None
