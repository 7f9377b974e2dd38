"""Events about items and runs, as the page hears them. Pure. Called by services that change something."""

from __future__ import annotations

from datetime import datetime

from appliance.api.storage.runs import RunRecord
from appliance.contracts.events import Event, EventKind
from appliance.contracts.item import Item
from appliance.contracts.run import Progress


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
