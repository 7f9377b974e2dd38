"""Annotations brought in from label files, and listed. Called by routes/annotations.py."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from uuid import uuid4

from appliance.api.services.changed_annotations import digest_of, of_all
from appliance.api.services.missing import no_dataset, no_item
from appliance.api.services.placing import places
from appliance.api.storage import annotations as annotation_rows
from appliance.api.storage import datasets, items, outbox
from appliance.api.storage.annotations import AnnotationFilter
from appliance.api.storage.database import Database
from appliance.api.storage.items import ItemRecord
from appliance.api.views.pages import AnnotationPage
from appliance.api.views.work import AnnotationCounts, AnnotationImport
from appliance.contracts.annotation import PEOPLE, AnnotationRecord
from appliance.contracts.base import ItemId, Name
from appliance.contracts.errors import Code, VedetteError


class Annotations:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(self, item_id: ItemId, wanted: AnnotationFilter, cursor: str | None, limit: int) -> AnnotationPage:
        async with self._database.begin() as connection:
            if await items.find(connection, item_id) is None:
                raise no_item(item_id)
            return await annotation_rows.page(connection, item_id, wanted, cursor, limit)

    async def import_records(self, dataset: Name, body: AnnotationImport, by: str) -> AnnotationCounts:
        """Replace what `source` said of the items named, but for what people have changed since. All or nothing.

        Raises VedetteError(LABELS) when an item is not in the dataset or a shape is none.
        """
        if body.source == PEOPLE:
            raise VedetteError(Code.INVALID, f"The source {PEOPLE} is what people say on the page.", "Name the file.")
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
            # First, since it waits for those who are changing annotations of these items.
            await annotation_rows.touch(connection, ids)
            overruled = await annotation_rows.overruled(connection, ids, body.source)
            replaced = await annotation_rows.remove_source(connection, ids, body.source)
            imported = 0
            for name, records in by_item.items():
                fresh = _standing(known[name].item.id, records, overruled)
                rows = await asyncio.to_thread(_rows, known[name], fresh, body.source, by)
                await annotation_rows.copy_in(connection, rows)
                imported += len(fresh)
            for item_id in ids:
                await outbox.add_event(connection, of_all(dataset_id, item_id))
        overruled_now = len(body.records) - imported
        return AnnotationCounts(items=len(ids), imported=imported, replaced=replaced, overruled=overruled_now)


def _standing(
    item_id: ItemId, records: list[AnnotationRecord], overruled: set[tuple[ItemId, bytes]]
) -> list[AnnotationRecord]:
    """Without those that a person has changed or taken away."""
    if not overruled:
        return records
    return [r for r in records if (item_id, digest_of(r.label, r.box, r.polygon)) not in overruled]


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
