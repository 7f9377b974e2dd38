"""One annotation made, changed or taken away by a person. Called by routes/annotations.py.

Every change names the revision it was made on. What is so already is answered without doing anything, so that a retry
after a lost answer changes nothing; what was changed meanwhile is refused with the present state.
"""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from appliance.api.services.changed_annotations import digest_of, of_annotation
from appliance.api.services.missing import no_annotation, no_detection, no_item, no_run
from appliance.api.services.placing import placed
from appliance.api.services.wanted_annotations import says, wanted
from appliance.api.stale import StaleError
from appliance.api.storage import annotations as annotation_rows
from appliance.api.storage import detections, items, outbox, runs, single_annotations
from appliance.api.storage.database import Database
from appliance.api.views.annotations import AnnotationChange
from appliance.contracts.annotation import PEOPLE, Annotation, DetectionName
from appliance.contracts.base import ItemId
from appliance.contracts.detection import Detection
from appliance.contracts.errors import Code, VedetteError
from appliance.contracts.item import Item, SceneInfo


class AnnotationEdits:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, item_id: ItemId, annotation_id: UUID) -> Annotation:
        """Deleted ones too: they can be restored."""
        async with self._database.begin() as connection:
            return await _found(connection, item_id, annotation_id)

    async def put(
        self, item_id: ItemId, annotation_id: UUID, change: AnnotationChange, by: str
    ) -> tuple[Annotation, bool]:
        """The annotation as asked for, and whether it is new. Raises StaleError, VedetteError(INVALID | NOT_FOUND)."""
        async with self._database.begin() as connection:
            item, scene = await _ready(connection, item_id)
            origin = change.origin
            seen = await _origin(connection, item_id, annotation_id, origin) if origin else None
            asked = await asyncio.to_thread(wanted, item, scene, change, seen)
            present = await single_annotations.find(connection, annotation_id)
            if present is not None and present.item_id != item_id:
                raise no_annotation(annotation_id)
            if present is not None and says(present, asked, change):
                return present, False
            if (present.revision if present else 0) != change.revision:
                raise StaleError(present)
            place = await asyncio.to_thread(placed, asked, scene)
            values = {
                **single_annotations.shape_values(asked, place),
                "verdict": change.verdict.value,
                **_taken_over(present),
            }
            if present is None:
                values |= {"attributes": {}, "created_by": by, **_named(origin)}
                await single_annotations.add(connection, annotation_id, item_id, values)
            else:
                await single_annotations.change(connection, annotation_id, by, values)
            return await _tell(connection, item, annotation_id), present is None

    async def delete(self, item_id: ItemId, annotation_id: UUID, revision: int, by: str) -> Annotation:
        """The tombstone, whose revision a PUT that restores it names. Raises StaleError, VedetteError(NOT_FOUND)."""
        async with self._database.begin() as connection:
            record = await items.lock(connection, item_id)
            if record is None:
                raise no_item(item_id)
            present = await _found(connection, item_id, annotation_id)
            if present.deleted:
                return present
            if present.revision != revision:
                raise StaleError(present)
            await single_annotations.bury(connection, annotation_id, by, _taken_over(present))
            return await _tell(connection, record.item, annotation_id)


async def _found(connection: AsyncConnection, item_id: ItemId, annotation_id: UUID) -> Annotation:
    present = await single_annotations.find(connection, annotation_id)
    if present is None or present.item_id != item_id:
        raise no_annotation(annotation_id)
    return present


async def _ready(connection: AsyncConnection, item_id: ItemId) -> tuple[Item, SceneInfo]:
    """The item, locked: changes of its annotations come one after the other."""
    record = await items.lock(connection, item_id)
    if record is None:
        raise no_item(item_id)
    if record.item.scene is None:
        raise VedetteError(
            Code.CONFLICT, f"{record.item.name} is {record.item.state.value}, not ready.", "Wait until it is ready."
        )
    return record.item, record.item.scene


async def _origin(
    connection: AsyncConnection, item_id: ItemId, annotation_id: UUID, origin: DetectionName
) -> Detection:
    run = await runs.find(connection, origin.run_id)
    if run is None or run.run.item_id != item_id:
        raise no_run(origin.run_id)
    if annotation_id != origin.annotation_id:
        raise VedetteError(
            Code.INVALID,
            f"The annotation of detection {origin.ordinal} of run {origin.run_id} is {origin.annotation_id}.",
            "Name it so: one detection has one annotation.",
        )
    found = await detections.find(connection, origin.run_id, origin.ordinal)
    if found is None:
        raise no_detection(origin.run_id, origin.ordinal)
    return found


def _taken_over(present: Annotation | None) -> dict[str, Any]:
    """What a person changes is theirs from then on; of an imported annotation it is noted what the file said."""
    if present is None or present.source == PEOPLE:
        return {"source": PEOPLE}
    digest = digest_of(present.label, present.box, present.polygon)
    return {"source": PEOPLE, "imported_from": present.source, "imported_digest": digest}


def _named(origin: DetectionName | None) -> dict[str, Any]:
    return {"origin_run_id": origin.run_id, "origin_ordinal": origin.ordinal} if origin else {}


async def _tell(connection: AsyncConnection, item: Item, annotation_id: UUID) -> Annotation:
    await annotation_rows.touch(connection, [item.id])
    await outbox.add_event(connection, of_annotation(item, annotation_id))
    fresh = await single_annotations.find(connection, annotation_id)
    if fresh is None:
        raise no_annotation(annotation_id)
    return fresh
