"""Detections, by run. Called by services/detections.py and services/ingest.py."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

from sqlalchemy import ColumnElement, cast, delete, func, select
from sqlalchemy.dialects.postgresql import REAL
from sqlalchemy.ext.asyncio import AsyncConnection

from appliance.api.map_plane import MAP_SRID
from appliance.api.storage import cursors
from appliance.api.storage.copying import copy_blocks
from appliance.api.storage.measuring import within
from appliance.api.storage.tables import detections
from appliance.api.views.detections import DetectionFilter
from appliance.api.views.pages import DetectionPage
from appliance.contracts.base import RunId
from appliance.contracts.detection import Detection, PixelBox

_COLUMNS = [column for column in detections.c if column.name not in {"run_id", "geometry", "map_geometry"}]
_GEOMETRY = func.ST_AsGeoJSON(detections.c.geometry, 9, 0).label("geometry")


async def remove_all(connection: AsyncConnection, run_id: RunId) -> None:
    await connection.execute(delete(detections).where(detections.c.run_id == run_id))


async def copy_in(connection: AsyncConnection, columns: tuple[str, ...], blocks: AsyncIterator[bytes]) -> None:
    """Rows with these columns in PostgreSQL's binary COPY format, from its header to its trailer."""
    await copy_blocks(connection, detections, columns, blocks)


def _matching(run_id: RunId, wanted: DetectionFilter) -> list[ColumnElement[bool]]:
    conditions = [detections.c.run_id == run_id, detections.c.score >= cast(wanted.min_score, REAL)]
    if wanted.bbox is not None:
        conditions.append(detections.c.map_geometry.op("&&")(func.ST_MakeEnvelope(*wanted.bbox, MAP_SRID)))
    return [*conditions, *within(wanted.measures)]


async def page(
    connection: AsyncConnection,
    run_id: RunId,
    wanted: DetectionFilter,
    position: tuple[str | None, int],
) -> DetectionPage:
    """By ordinal; the box of `wanted` in EPSG:3857; `position` is (cursor, limit)."""
    cursor, limit = position
    conditions = _matching(run_id, wanted)
    total = None
    if cursor is None:
        total = (await connection.execute(select(func.count()).where(*conditions))).scalar_one()
    else:
        (after,) = cursors.decode(cursor, int)
        conditions.append(detections.c.ordinal > after)
    statement = select(*_COLUMNS, _GEOMETRY).where(*conditions).order_by(detections.c.ordinal).limit(limit + 1)
    found = [_detection(run_id, dict(row._mapping)) for row in await connection.execute(statement)]
    more = cursors.encode(found[limit - 1].ordinal) if len(found) > limit else None
    return DetectionPage(items=found[:limit], next=more, total=total)


def _detection(run_id: RunId, values: dict[str, Any]) -> Detection:
    box = PixelBox(**{name: values.pop(name) for name in ("x", "y", "width", "height", "angle_degrees")})
    return Detection(run_id=run_id, box=box, **{**values, "geometry": json.loads(values["geometry"])})


async def find(connection: AsyncConnection, run_id: RunId, ordinal: int) -> Detection | None:
    statement = select(*_COLUMNS, _GEOMETRY).where(detections.c.run_id == run_id, detections.c.ordinal == ordinal)
    row = (await connection.execute(statement)).one_or_none()
    return _detection(run_id, dict(row._mapping)) if row else None


async def scored_boxes(connection: AsyncConnection, run_id: RunId) -> list[tuple[str, float, PixelBox]]:
    """Label, score and box of every detection, best first."""
    names = ("x", "y", "width", "height", "angle_degrees")
    statement = select(detections.c.label, detections.c.score, *(detections.c[name] for name in names))
    statement = statement.where(detections.c.run_id == run_id)
    rows = await connection.execute(statement.order_by(detections.c.score.desc(), detections.c.ordinal))
    return [(row.label, row.score, PixelBox(**{name: row._mapping[name] for name in names})) for row in rows]
