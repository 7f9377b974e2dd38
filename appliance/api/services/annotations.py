"""Annotations brought in from label files, and listed. Called by routes/annotations.py."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from uuid import UUID, uuid4

from appliance.api.services.missing import no_dataset, no_item
from appliance.api.services.placing import places
from appliance.api.storage import annotations as annotation_rows
from appliance.api.storage import datasets, items, outbox
from appliance.api.storage.database import Database
from appliance.api.storage.items import ItemRecord
from appliance.api.views.pages import AnnotationPage
from appliance.api.views.work import AnnotationCounts, AnnotationImport
from appliance.contracts.annotation import AnnotationRecord
from appliance.contracts.base import ItemId, Name, now
from appliance.contracts.errors import Code, VedetteError
from appliance.contracts.events import Event, EventKind


class Annotations:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(self, item_id: ItemId, cursor: str | None, limit: int) -> AnnotationPage:
        async with self._database.begin() as connection:
            if await items.find(connection, item_id) is None:
                raise no_item(item_id)
            return await annotation_rows.page(connection, item_id, cursor, limit)

    async def import_records(self, dataset: Name, body: AnnotationImport, by: str) -> AnnotationCounts:
        """Replace what `source` said of the items named. All or nothing.

        Raises VedetteError(LABELS) when an item is not in the dataset or a shape is none.
        """
        by_item: dict[str, list[AnnotationRecord]] = {}
        for record in body.records:
            _check(record)
            by_item.setdefault(record.item, []).append(record)
        async with self._database.begin() as connection:
            dataset_id = await datasets.lock_for_insert(connection, dataset)
            if dataset_id is None:
                raise no_dataset(dataset)
            known = {r.item.name: r for r in await items.find_named(connection, dataset_id, set(by_item))}
            _refuse_unknown(dataset, set(by_item) - set(known))
            ids = [record.item.id for record in known.values()]
            replaced = await annotation_rows.remove_source(connection, ids, body.source)
            for name, records in by_item.items():
                rows = await asyncio.to_thread(_rows, known[name], records, body.source, by)
                await annotation_rows.copy_in(connection, rows)
            await annotation_rows.touch(connection, ids)
            for item_id in ids:
                await outbox.add_event(connection, _changed(dataset_id, item_id))
        return AnnotationCounts(items=len(ids), imported=len(body.records), replaced=replaced)


def _changed(dataset_id: UUID, item_id: ItemId) -> Event:
    kind = EventKind.ANNOTATIONS_CHANGED
    return Event(kind=kind, subject_id=item_id, dataset_id=dataset_id, item_id=item_id, at=now())


def _check(record: AnnotationRecord) -> None:
    if record.polygon is not None and (not record.polygon or any(len(ring) < 3 for ring in record.polygon)):
        raise VedetteError(
            Code.LABELS, f"A polygon of {record.item} has fewer than three corners.", "Correct the label file."
        )


def _refuse_unknown(dataset: Name, missing: set[str]) -> None:
    if missing:
        shown = ", ".join(sorted(missing)[:5])
        raise VedetteError(
            Code.LABELS,
            f"{dataset} holds no item named {shown}{' and others' if len(missing) > 5 else ''}.",
            "Push the scenes first, under the names the label file uses.",
        )


def _rows(item: ItemRecord, records: list[AnnotationRecord], source: str, by: str) -> list[tuple[Any, ...]]:
    """In the order of storage.annotations.COLUMNS."""
    return [
        (
            uuid4(),
            item.item.id,
            record.label,
            record.box.x,
            record.box.y,
            record.box.width,
            record.box.height,
            record.box.angle_degrees,
            json.dumps(record.polygon) if record.polygon else None,
            json.dumps(record.attributes),
            source,
            by,
            *shape,
        )
        for record, shape in zip(records, places(records, item.item.scene), strict=True)
    ]
