"""Which detections are asked for, parsed once."""

from __future__ import annotations

import math
from dataclasses import dataclass

from appliance.contracts.errors import Code, VedetteError
from appliance.contracts.item import BBox


@dataclass(frozen=True)
class DetectionFilter:
    """At or above `min_score`, and touching `bbox` in the coordinates of `Detection.geometry`."""

    min_score: float = 0.0
    bbox: BBox | None = None

    @classmethod
    def parse(cls, min_score: float, bbox: str | None) -> DetectionFilter:
        """Raises VedetteError(INVALID) when bbox is not four ordered numbers."""
        if bbox is None:
            return cls(min_score)
        try:
            west, south, east, north = (float(part) for part in bbox.split(","))
        except ValueError as error:
            raise _wrong(bbox) from error
        if not all(map(math.isfinite, (west, south, east, north))) or west > east or south > north:
            raise _wrong(bbox)
        return cls(min_score, (west, south, east, north))


def _wrong(bbox: str) -> VedetteError:
    return VedetteError(Code.INVALID, f"bbox={bbox} is not west,south,east,north.", "Give four numbers in that order.")
