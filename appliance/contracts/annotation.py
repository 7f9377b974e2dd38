"""An annotation: what a person says is there. A layer apart from detections."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from pydantic import Field

from appliance.contracts.base import Contract, Instant, ItemId
from appliance.contracts.detection import PixelBox


class AnnotationRecord(Contract):
    """One labelled object of one item, as a label file or a snapshot holds it.

    `box` in full-resolution pixels; `polygon` (rings of x, y in pixels, first ring the shell) where the source has a
    shape; `box` is then its envelope.
    """

    item: str = Field(max_length=255, description="The item's name within its dataset, usually the file's name.")
    label: str = Field(min_length=1, max_length=255)
    box: PixelBox
    polygon: list[list[tuple[float, float]]] | None = None
    attributes: dict[str, Any] = {}


class Annotation(Contract):
    id: UUID
    item_id: ItemId
    label: str
    box: PixelBox
    geometry: dict[str, Any]
    attributes: dict[str, Any] = {}
    source: str = Field(max_length=255)
    created_by: str
    created_at: Instant
