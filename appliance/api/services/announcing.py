"""Events about items, runs and detectors, as the page hears them. Pure. Called by services that change something."""

from __future__ import annotations

from datetime import datetime
from uuid import NAMESPACE_URL, uuid5

from appliance.api.storage.runs import RunRecord
from appliance.contracts.base import Name, Version
from appliance.contracts.events import Event, EventKind
from appliance.contracts.item import Item
from appliance.contracts.run import Progress

_DETECTORS = uuid5(NAMESPACE_URL, "vedette.io/detector")


def of_item(kind: EventKind, item: Item, at: datetime) -> Event:
    return Event(
        kind=kind,
        subject_id=item.id,
        dataset_id=item.dataset_id,
        item_id=item.id,
        state=item.state.value,
        progress=Progress(fraction=item.progress_percent / 100),
        reason=item.reason,
        at=at,
    )


def of_run(kind: EventKind, record: RunRecord, at: datetime) -> Event:
    run = record.run
    return Event(
        kind=kind,
        subject_id=run.id,
        dataset_id=record.dataset_id,
        item_id=run.item_id,
        state=run.state.value,
        progress=run.progress,
        reason=run.reason,
        at=at,
    )


def of_detector(name: Name, at: datetime, version: Version | None = None) -> Event:
    """One version changed; without one, which of them serve."""
    subject = uuid5(_DETECTORS, name if version is None else f"{name}/{version}")
    return Event(kind=EventKind.DETECTOR_CHANGED, subject_id=subject, at=at)
