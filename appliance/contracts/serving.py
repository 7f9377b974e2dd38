"""How a worker is to serve a detector where it differs from the model package: one file, made by the operator, read by the worker.

The operator puts it together from the Detector and the ConfigMaps that it names; VEDETTE_WORK_SERVING names the file.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from appliance.contracts.base import Contract, Metres, Score
from appliance.contracts.model_package import Recipe

SERVING_FILE = "serving.json"


class Area(Contract):
    """Where detections count: a Polygon or MultiPolygon of GeoJSON in WGS84."""

    geometry: dict[str, Any]
    mode: Literal["include", "exclude"] = "include"


class Serving(Contract):
    """What is absent is the model package's own. `minimum_size_metres` drops objects whose shorter side is less."""

    threshold: Score | None = None
    overlap: Score | None = None
    minimum_size_metres: Metres | None = None
    recipe: Recipe | None = None
    area: Area | None = Field(default=None, description="Absent: everywhere.")
