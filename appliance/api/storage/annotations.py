"""Annotations, by item and source. Called by services/annotations.py, services/snapshots.py and what compares with them.

Rejected detections and deleted annotations are rows too; `_STANDING` is what all but the page's own list means by
annotations.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Select, and_, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from appliance.api.storage import cursors
from appliance.api.storage.copying import copy_rows
from appliance.api.storage.single_annotations import BOX, SELECT, annotation
from appliance.api.storage.tables import annotation_table as table
from appliance.api.storage.tables import items
from appliance.api.views.pages import AnnotationPage
from appliance.contracts.annotation import AnnotationRecord, Verdict
from appliance.contracts.base import ItemId
from appliance.contracts.detection import PixelBox

COLUMNS = (
    "id",
    "item_id",
    "label",
    "x",
    "y",
    "width",
    "height",
    "angle_degrees",
    "polygon",
    "attributes",
    "source",
    "created_by",
    "geometry",
    "map_geometry",
)
_STANDING = and_(table.c.verdict == Verdict.ACCEPTED.value, table.c.deleted_at.is_(None))


@dataclass(frozen=True)
class AnnotationFilter:
    """Which annotations of an item are listed; None is any."""

    verdict: Verdict | None = Verdict.ACCEPTED
    source: str | None = None


async def copy_in(connection: AsyncConnection, rows: Iterable[tuple[Any, ...]]) -> None:
    """Rows in the order of COLUMNS, JSON as text, geometries as hexadecimal EWKB or None."""
    await copy_rows(connection, table, COLUMNS, rows)


async def remove_source(connection: AsyncConnection, item_ids: list[ItemId], source: str) -> int:
    statement = delete(table).where(table.c.item_id.in_(item_ids), table.c.source == source)
    return (await connection.execute(statement)).rowcount


async def overruled(connection: AsyncConnection, item_ids: list[ItemId], source: str) -> set[tuple[ItemId, bytes]]:
    """(item, digest) of what the source said and a person has changed or taken away since."""
    statement = select(table.c.item_id, table.c.imported_digest)
    statement = statement.where(table.c.item_id.in_(item_ids), table.c.imported_from == source)
    return {(row.item_id, bytes(row.imported_digest)) for row in await connection.execute(statement)}


async def touch(connection: AsyncConnection, item_ids: list[ItemId]) -> None:
    """Note that the items' annotations are not what they were: their tiles are told apart by this."""
    changed = items.c.annotations_version + 1
    await connection.execute(update(items).where(items.c.id.in_(item_ids)).values(annotations_version=changed))


async def page(
    connection: AsyncConnection, item_id: ItemId, wanted: AnnotationFilter, cursor: str | None, limit: int
) -> AnnotationPage:
    statement: Select[Any] = SELECT.where(table.c.item_id == item_id, table.c.deleted_at.is_(None))
    if wanted.verdict is not None:
        statement = statement.where(table.c.verdict == wanted.verdict.value)
    if wanted.source is not None:
        statement = statement.where(table.c.source == wanted.source)
    if cursor:
        (after,) = cursors.decode(cursor, UUID)
        statement = statement.where(table.c.id > after)
    rows = await connection.execute(statement.order_by(table.c.id).limit(limit + 1))
    found = [annotation(row) for row in rows]
    more = cursors.encode(found[limit - 1].id) if len(found) > limit else None
    return AnnotationPage(items=found[:limit], next=more)


async def records(connection: AsyncConnection, item_ids: list[ItemId]) -> list[tuple[UUID, ItemId, AnnotationRecord]]:
    """What people and label files say is in these items: (annotation id, item id, record)."""
    statement = select(table, items.c.name.label("item")).join(items, items.c.id == table.c.item_id)
    rows = await connection.execute(statement.where(table.c.item_id.in_(item_ids), _STANDING))
    return [(row.id, row.item_id, _record(dict(row._mapping))) for row in rows]


def _record(values: dict[str, Any]) -> AnnotationRecord:
    return AnnotationRecord(
        item=values["item"],
        label=values["label"],
        box=PixelBox(**{name: values[name] for name in BOX}),
        polygon=values["polygon"],
        attributes=values["attributes"],
    )


async def count(connection: AsyncConnection, item_id: ItemId) -> int:
    statement = select(func.count()).where(table.c.item_id == item_id, _STANDING)
    return (await connection.execute(statement)).scalar_one()


async def set_places(connection: AsyncConnection, places: list[tuple[UUID, str, str]]) -> None:
    """Set (geometry, map_geometry), hexadecimal EWKB, of annotations whose item has become ready."""
    for annotation_id, geometry, map_geometry in places:
        await connection.execute(
            update(table)
            .where(table.c.id == annotation_id)
            .values(
                geometry=func.ST_GeomFromEWKB(func.decode(geometry, "hex")),
                map_geometry=func.ST_GeomFromEWKB(func.decode(map_geometry, "hex")),
            )
        )
