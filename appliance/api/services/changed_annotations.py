"""What tells that annotations changed, and whether a label file says what it said before. Pure. Called by
services/annotations.py and services/annotation_edits.py."""

from __future__ import annotations

import hashlib
import json
from uuid import UUID

from appliance.contracts.annotation import Rings
from appliance.contracts.base import DatasetId, ItemId, now
from appliance.contracts.detection import PixelBox
from appliance.contracts.events import Event, EventKind
from appliance.contracts.item import Item


def of_annotation(item: Item, annotation_id: UUID) -> Event:
    """One annotation is not what it was."""
    return _changed(item.dataset_id, item.id, annotation_id)


def of_all(dataset_id: DatasetId, item_id: ItemId) -> Event:
    """All annotations of the item may be others now."""
    return _changed(dataset_id, item_id, item_id)


def _changed(dataset_id: DatasetId, item_id: ItemId, subject_id: UUID) -> Event:
    kind = EventKind.ANNOTATIONS_CHANGED
    return Event(kind=kind, subject_id=subject_id, dataset_id=dataset_id, item_id=item_id, at=now())


def digest_of(label: str, box: PixelBox, polygon: Rings | None) -> bytes:
    """The same for the same label and shape, whatever else was said."""
    said = [label, [box.x, box.y, box.width, box.height, box.angle_degrees], polygon]
    return hashlib.sha256(json.dumps(said, separators=(",", ":")).encode()).digest()
