"""One annotation at a time: found, made, changed, buried. Called by services/annotation_edits.py, inside its transaction
that holds the item's lock; storage/annotations.py reads its rows."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from appliance.api.storage.tables import annotation_table as table
from appliance.contracts.annotation import Annotation, AnnotationRecord, DetectionName
from appliance.contracts.detection import PixelBox

BOX = ("x", "y", "width", "height", "angle_degrees")
_PLAIN = (
    "id",
    "item_id",
    "label",
    "polygon",
    "attributes",
    "source",
    "verdict",
    "revision",
    "created_by",
    "created_at",
)
SELECT = select(
    *(table.c[name] for name in (*BOX, *_PLAIN, "origin_run_id", "origin_ordinal", "changed_by", "changed_at")),
    table.c.deleted_at.is_not(None).label("deleted"),
    # Nine decimals of a degree are a tenth of a millimetre.
    func.ST_AsGeoJSON(table.c.geometry, 9, 0).label("geometry"),
)


def annotation(row: Row[Any]) -> Annotation:
    """A row of SELECT."""
    values = row._mapping
    origin = None
    if values["origin_run_id"] is not None:
        origin = DetectionName(run_id=values["origin_run_id"], ordinal=values["origin_ordinal"])
    return Annotation(
        **{name: values[name] for name in _PLAIN},
        box=PixelBox(**{name: values[name] for name in BOX}),
        geometry=json.loads(values["geometry"]) if values["geometry"] else {},
        origin=origin,
        deleted=values["deleted"],
        changed_by=values["changed_by"] or values["created_by"],
        changed_at=values["changed_at"] or values["created_at"],
    )


async def find(connection: AsyncConnection, annotation_id: UUID) -> Annotation | None:
    """Deleted ones too."""
    statement: Select[Any] = SELECT.where(table.c.id == annotation_id)
    row = (await connection.execute(statement)).one_or_none()
    return annotation(row) if row else None


async def add(connection: AsyncConnection, annotation_id: UUID, item_id: UUID, values: dict[str, Any]) -> None:
    await connection.execute(insert(table).values(id=annotation_id, item_id=item_id, **values))


async def change(connection: AsyncConnection, annotation_id: UUID, by: str, values: dict[str, Any]) -> None:
    """The next revision; what was deleted is there again."""
    await _next(connection, annotation_id, by, {**values, "deleted_at": None})


async def bury(connection: AsyncConnection, annotation_id: UUID, by: str, values: dict[str, Any]) -> None:
    """The next revision is a tombstone."""
    await _next(connection, annotation_id, by, {**values, "deleted_at": func.now()})


async def _next(connection: AsyncConnection, annotation_id: UUID, by: str, values: dict[str, Any]) -> None:
    statement = update(table).where(table.c.id == annotation_id)
    await connection.execute(
        statement.values(revision=table.c.revision + 1, changed_by=by, changed_at=func.now(), **values)
    )


def shape_values(record: AnnotationRecord, places: tuple[str, str]) -> dict[str, Any]:
    """Columns of label and shape; `places` are geometry and map_geometry, hexadecimal EWKB."""
    geometry, map_geometry = places
    return {
        "label": record.label,
        **{name: getattr(record.box, name) for name in BOX},
        "polygon": record.polygon,
        "geometry": func.ST_GeomFromEWKB(func.decode(geometry, "hex")),
        "map_geometry": func.ST_GeomFromEWKB(func.decode(map_geometry, "hex")),
    }
