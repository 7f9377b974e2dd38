"""Which detections are asked for, parsed once."""

from __future__ import annotations

import math
from dataclasses import dataclass

from appliance.contracts.errors import Code, VedetteError
from appliance.contracts.item import BBox


@dataclass(frozen=True)
class Measures:
    """Bounds, both ends allowed: of the longer side in pixels; of the area in square metres, or square pixels without
    georeference."""

    min_size: float | None = None
    max_size: float | None = None
    min_area: float | None = None
    max_area: float | None = None


@dataclass(frozen=True)
class TileFilter:
    """What a vector tile of detections holds. Above `counts_above` shapes it gives counts; None: never."""

    min_score: float = 0.0
    measures: Measures = Measures()
    counts_above: int | None = None


@dataclass(frozen=True)
class DetectionFilter:
    """At or above `min_score`, within `measures`, and touching `bbox` in the coordinates of `Detection.geometry`."""

    min_score: float = 0.0
    bbox: BBox | None = None
    measures: Measures = Measures()

    @classmethod
    def parse(cls, min_score: float, bbox: str | None, measures: Measures) -> DetectionFilter:
        """Raises VedetteError(INVALID) when bbox is not four ordered numbers."""
        if bbox is None:
            return cls(min_score, None, measures)
        try:
            west, south, east, north = (float(part) for part in bbox.split(","))
        except ValueError as error:
            raise _wrong(bbox) from error
        if not all(map(math.isfinite, (west, south, east, north))) or west > east or south > north:
            raise _wrong(bbox)
        return cls(min_score, (west, south, east, north), measures)


def _wrong(bbox: str) -> VedetteError:
    return VedetteError(Code.INVALID, f"bbox={bbox} is not west,south,east,north.", "Give four numbers in that order.")
