"""What the page hears, live and in order: something of an item or a run changed. Small; the page asks for the rest."""

from __future__ import annotations

from enum import StrEnum
from uuid import UUID

from appliance.contracts.base import Contract, DatasetId, Instant
from appliance.contracts.errors import Reason
from appliance.contracts.run import Progress


class EventKind(StrEnum):
    ITEM_CREATED = "item.created"
    ITEM_CHANGED = "item.changed"
    ITEM_DELETED = "item.deleted"
    RUN_CREATED = "run.created"
    RUN_CHANGED = "run.changed"
    DETECTOR_CHANGED = "detector.changed"
    ANNOTATIONS_CHANGED = "annotations.changed"


class Event(Contract):
    """Published on `events.<kind>`; its JetStream sequence is the SSE event id."""

    kind: EventKind
    subject_id: UUID | None = None
    dataset_id: DatasetId | None = None
    item_id: UUID | None = None
    state: str = ""
    progress: Progress | None = None
    reason: Reason | None = None
    at: Instant
