"""An annotation: what a person says is there. A layer apart from detections."""

from __future__ import annotations

from enum import StrEnum
from typing import Any
from uuid import UUID, uuid5

from pydantic import Field

from appliance.contracts.base import Contract, Instant, ItemId, RunId
from appliance.contracts.detection import PixelBox

PEOPLE = "people"
"""The source of what people say on the page; label files have their own, and an import never replaces this one."""

Rings = list[list[tuple[float, float]]]


class AnnotationRecord(Contract):
    """One labelled object of one item, as a label file or a snapshot holds it.

    `box` in full-resolution pixels; `polygon` (rings of x, y in pixels, first ring the shell) where the source has a
    shape; `box` is then its envelope.
    """

    item: str = Field(max_length=255, description="The item's name within its dataset, usually the file's name.")
    label: str = Field(min_length=1, max_length=255)
    box: PixelBox
    polygon: Rings | None = None
    attributes: dict[str, Any] = {}


class Verdict(StrEnum):
    """Accepted: the object is there. Rejected: a detector saw something here that is none; kept, as a negative."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"


class DetectionName(Contract):
    """Names one detection for ever: its run, and its row in the run's file."""

    run_id: RunId
    ordinal: int = Field(ge=0, lt=1 << 62)

    @property
    def annotation_id(self) -> UUID:
        """The one annotation that judges this detection: a UUID of version 5 (RFC 9562) in the run's namespace."""
        return uuid5(self.run_id, str(self.ordinal))


class Annotation(Contract):
    """`geometry` as of a detection: GeoJSON in WGS84, or in pixels where the item has no georeference.

    `revision` grows with every change; `polygon` is null for a box; `origin` is the detection it was made of, if any.
    """

    id: UUID
    item_id: ItemId
    label: str
    box: PixelBox
    polygon: Rings | None = None
    geometry: dict[str, Any]
    attributes: dict[str, Any] = {}
    source: str = Field(max_length=255)
    verdict: Verdict = Verdict.ACCEPTED
    origin: DetectionName | None = None
    revision: int = Field(default=1, ge=1)
    deleted: bool = False
    created_by: str
    created_at: Instant
    changed_by: str
    changed_at: Instant
