"""How many detections or annotations lie where, for a tile that holds too many to draw each. Called by services/vector_tiles.py.

A tile gives a grid of points with how many there are, by label and by hundredth of the score: what the page needs to
filter them without asking again. Each is counted in one tile only, where the middle of its box lies.
"""

from __future__ import annotations

from typing import NamedTuple
from uuid import UUID

from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncConnection

from appliance.api.storage import vector_tiles
from appliance.api.storage.vector_tiles import OF_ITEM, OF_RUN
from appliance.api.views.detections import TileFilter
from appliance.api.views.tiles import AnnotationTileFilter, TileAddress

_GRID = 8
"""Counts are given for so many places along a side of a tile: on a page whose tiles are 512 pixels, every 64 pixels."""


class _Statements(NamedTuple):
    more: TextClause
    counts: TextClause


def _statements(table: str, condition: str, hundredth: str) -> _Statements:
    touching = f"{table} WHERE {condition} AND map_geometry && ST_TileEnvelope(:z, :x, :y)"
    more = f"SELECT count(*) > :counts_above FROM (SELECT FROM {touching} LIMIT :counts_above + 1) AS touching"  # noqa: S608  the parts are constants of ours
    # Materialized, since a condition on a cell is else asked of every row, and makes the planner expect one and sort
    # them all; and the box is found once.
    counts = f"""
WITH tile AS MATERIALIZED (
    SELECT ST_XMin(e) AS x0, ST_YMin(e) AS y0, (ST_XMax(e) - ST_XMin(e)) / {_GRID} AS cell FROM ST_TileEnvelope(:z, :x, :y) AS e
), boxed AS MATERIALIZED (
    SELECT label, {hundredth} AS hundredth, Box3D(map_geometry) AS box FROM {touching}
), centred AS (
    SELECT label, hundredth, (ST_XMin(box) + ST_XMax(box)) / 2 AS cx, (ST_YMin(box) + ST_YMax(box)) / 2 AS cy FROM boxed
), binned AS MATERIALIZED (
    SELECT floor((cx - x0) / cell)::int AS i, floor((cy - y0) / cell)::int AS j, label, hundredth,
        count(*) AS found, sum(cx) AS sx, sum(cy) AS sy
    FROM centred, tile GROUP BY i, j, label, hundredth
), labelled AS (
    SELECT i, j, label, json_object_agg(hundredth, found) AS counts, sum(found) AS found, sum(sx) AS sx, sum(sy) AS sy
    FROM binned WHERE i BETWEEN 0 AND {_GRID - 1} AND j BETWEEN 0 AND {_GRID - 1} GROUP BY i, j, label
), drawn AS (
    SELECT json_object_agg(label, counts)::text AS counts, ST_AsMVTGeom(
        ST_SetSRID(ST_MakePoint(sum(sx) / sum(found), sum(sy) / sum(found)), 3857), ST_TileEnvelope(:z, :x, :y), :extent, :buffer, true) AS shape
    FROM labelled GROUP BY i, j
)
SELECT ST_AsMVT(drawn, 'counts', :extent, 'shape') FROM drawn
"""  # noqa: S608  the parts are constants of ours
    return _Statements(text(more), text(counts))


# A score is a float32: half of a hundred-thousandth keeps 0.7 out of the hundredth below.
_DETECTIONS = _statements("detections", OF_RUN, "LEAST(floor(score * 100 + 0.000005), 99)::int")
# What a person says is as sure as can be.
_ANNOTATIONS = _statements("annotations", OF_ITEM, "99")


def _of(wanted: TileFilter | AnnotationTileFilter) -> _Statements:
    return _ANNOTATIONS if isinstance(wanted, AnnotationTileFilter) else _DETECTIONS


async def is_crowded(
    connection: AsyncConnection, owner: UUID, tile: TileAddress, wanted: TileFilter | AnnotationTileFilter
) -> bool:
    """Whether counts are wanted of this tile of a run or an item: it holds more than `wanted.counts_above`.

    Above none: always, also where a tile holds no more than the edges of its neighbours' shapes.
    """
    if not wanted.counts_above:
        return wanted.counts_above == 0
    values = {"owner": owner, "counts_above": wanted.counts_above, **vector_tiles.chosen(wanted), **tile._asdict()}
    return bool((await connection.execute(_of(wanted).more, values)).scalar_one())


async def counts(
    connection: AsyncConnection, owner: UUID, tile: TileAddress, wanted: TileFilter | AnnotationTileFilter
) -> bytes:
    """The tile's layer `counts`; empty where it has none."""
    return await vector_tiles.drawn(
        connection, _of(wanted).counts, tile, {"owner": owner, **vector_tiles.chosen(wanted)}
    )
