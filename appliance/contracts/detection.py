"""A detection: what a detector found. A layer of its own; it never overwrites an annotation."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from appliance.contracts.base import Contract, RunId, Score
from appliance.contracts.errors import Reason


class PixelBox(Contract):
    """A box in full-resolution pixels of the scene: centre, size, and rotation.

    `x` grows right and `y` down, pixel centres lie at .5; `angle_degrees` turns the x axis towards the y axis
    (clockwise on screen), in [-90, 90), 0 for an axis-aligned box.
    """

    x: float
    y: float
    width: float = Field(ge=0)
    height: float = Field(ge=0)
    angle_degrees: float = Field(default=0.0, ge=-90, lt=90)


class Detection(Contract):
    """One object. `geometry` is GeoJSON in WGS84, or in pixel coordinates (y down) where the scene has no georeference.

    `ordinal` is its row in the run's GeoParquet file: (run_id, ordinal) names it for ever.
    """

    run_id: RunId
    ordinal: int = Field(ge=0)
    label: str = Field(max_length=255)
    score: Score
    box: PixelBox
    area_square_metres: float | None = None
    geometry: dict[str, Any]


PARQUET_COLUMNS = (
    "ordinal",  # int64, 0..n-1 in file order
    "label",  # string, taxonomy path joined by "/"
    "score",  # float32
    "x",  # float64, PixelBox fields
    "y",
    "width",
    "height",
    "angle_degrees",
    "area_square_metres",  # float64, null without georeference
    "geometry",  # binary, WKB; GeoParquet 1.1 primary column; OGC:CRS84, or crs null for pixel coordinates
)
"""The columns of detections.parquet, in order."""


class RunSummary(Contract):
    """What a finished run reports beside its detections. Times are seconds of wall clock."""

    detections: int = Field(ge=0)
    tiles: int = Field(ge=0)
    tiles_skipped: int = Field(ge=0)
    megapixels: float = Field(ge=0)
    seconds: float = Field(ge=0)
    resumed_at_band: int = Field(default=0, ge=0)
    notes: list[str] = Field(default=[], max_length=50)
    reason: Reason | None = None
    backend: str = Field(default="", max_length=200, description="What ran the model, with its version and device.")
    model_idle_seconds: float = Field(default=0, ge=0, description="Time in which the model waited for pixels.")
