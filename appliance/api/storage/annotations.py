"""Annotations, by item and source. Called by services/annotations.py and services/snapshots.py."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from appliance.api.storage import cursors
from appliance.api.storage.copying import copy_rows
from appliance.api.storage.tables import annotation_table as table
from appliance.api.storage.tables import items
from appliance.api.views.pages import AnnotationPage
from appliance.contracts.annotation import Annotation, AnnotationRecord
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
_BOX = ("x", "y", "width", "height", "angle_degrees")


async def copy_in(connection: AsyncConnection, rows: Iterable[tuple[Any, ...]]) -> None:
    """Rows in the order of COLUMNS, JSON as text, geometries as hexadecimal EWKB or None."""
    await copy_rows(connection, table, COLUMNS, rows)


async def remove_source(connection: AsyncConnection, item_ids: list[ItemId], source: str) -> int:
    statement = delete(table).where(table.c.item_id.in_(item_ids), table.c.source == source)
    return (await connection.execute(statement)).rowcount


async def touch(connection: AsyncConnection, item_ids: list[ItemId]) -> None:
    """Note that the items' annotations are not what they were: their tiles are told apart by this."""
    changed = items.c.annotations_version + 1
    await connection.execute(update(items).where(items.c.id.in_(item_ids)).values(annotations_version=changed))


async def page(connection: AsyncConnection, item_id: ItemId, cursor: str | None, limit: int) -> AnnotationPage:
    columns = [c for c in table.c if c.name not in {"polygon", "geometry", "map_geometry"}]
    statement = select(*columns, func.ST_AsGeoJSON(table.c.geometry, 9, 0).label("geometry"))
    statement = statement.where(table.c.item_id == item_id).order_by(table.c.id).limit(limit + 1)
    if cursor:
        (after,) = cursors.decode(cursor, str)
        statement = statement.where(table.c.id > UUID(str(after)))
    found = [_annotation(dict(row._mapping)) for row in await connection.execute(statement)]
    more = cursors.encode(str(found[limit - 1].id)) if len(found) > limit else None
    return AnnotationPage(items=found[:limit], next=more)


def _annotation(values: dict[str, Any]) -> Annotation:
    box = PixelBox(**{name: values.pop(name) for name in _BOX})
    geometry = json.loads(values["geometry"]) if values["geometry"] else {}
    return Annotation(box=box, **{**values, "geometry": geometry})


async def records(connection: AsyncConnection, item_ids: list[ItemId]) -> list[tuple[UUID, ItemId, AnnotationRecord]]:
    """What people said of these items, as it came in: (annotation id, item id, record)."""
    statement = select(table, items.c.name.label("item")).join(items, items.c.id == table.c.item_id)
    rows = await connection.execute(statement.where(table.c.item_id.in_(item_ids)))
    return [(row.id, row.item_id, _record(dict(row._mapping))) for row in rows]


def _record(values: dict[str, Any]) -> AnnotationRecord:
    return AnnotationRecord(
        item=values["item"],
        label=values["label"],
        box=PixelBox(**{name: values[name] for name in _BOX}),
        polygon=values["polygon"],
        attributes=values["attributes"],
    )


async def count(connection: AsyncConnection, item_id: ItemId) -> int:
    statement = select(func.count()).where(table.c.item_id == item_id)
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
