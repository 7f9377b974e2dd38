"""Vector tiles by ST_AsMVT, straight from the tables. Called by services/vector_tiles.py.

A shape smaller than the tile's grid becomes a point, so that nothing vanishes when one zooms out. Where a tile holds
more than `limit` shapes only the first are given (of detections: the best), each with `truncated` set. Where counts are
asked for, a tile of very many gives a grid of points with how many there are, by label and by hundredth of the score:
what the page needs to filter them without asking again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from uuid import UUID

from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncConnection

from appliance.api.storage.measuring import AREA, SIZE, WITHIN
from appliance.api.views.detections import TileFilter
from appliance.api.views.tiles import TileAddress

_EXTENT = 4096
_BUFFER = 128
_MARGIN = _BUFFER / _EXTENT

_GRID = 8
"""Counts are given for so many places along a side of a tile: on a page whose tiles are 512 pixels, every 64 pixels."""
_OF_RUN = f"run_id = :owner AND score >= CAST(:min_score AS real) AND {WITHIN}"

_TOUCHING = f"{_OF_RUN} AND map_geometry && ST_TileEnvelope(:z, :x, :y, margin => :margin)"
_SHAPE = """COALESCE(
    ST_AsMVTGeom(map_geometry, ST_TileEnvelope(:z, :x, :y), :extent, :buffer, true),
    ST_AsMVTGeom(ST_Centroid(map_geometry), ST_TileEnvelope(:z, :x, :y), :extent, :buffer, true))"""
"""ST_AsMVT leaves out rows without a shape. To ask for them to be left out would work every shape out twice."""

_TOO_MANY = text(f"""
SELECT count(*) > :limit FROM (SELECT FROM detections WHERE {_TOUCHING} LIMIT :limit + 1) AS touching
""")  # noqa: S608  the parts are constants of ours

# In no order, and so by several processes of the server at once.
_ALL_DETECTIONS = text(f"""
WITH drawn AS (
    SELECT ordinal AS id, ordinal, label, score, {SIZE} AS size, {AREA} AS area, false AS truncated, {_SHAPE} AS shape
    FROM detections
    WHERE {_TOUCHING}
)
SELECT ST_AsMVT(drawn, 'detections', :extent, 'shape', 'id') FROM drawn
""")  # noqa: S608  the parts are constants of ours

_BEST_DETECTIONS = text(f"""
WITH matching AS (
    SELECT ordinal, label, score, {SIZE} AS size, {AREA} AS area, map_geometry
    FROM detections
    WHERE {_TOUCHING}
    ORDER BY score DESC, ordinal
    LIMIT :limit
), drawn AS (
    SELECT ordinal AS id, ordinal, label, score, size, area, true AS truncated, {_SHAPE} AS shape FROM matching
)
SELECT ST_AsMVT(drawn, 'detections', :extent, 'shape', 'id') FROM drawn
""")  # noqa: S608  the parts are constants of ours

_MORE = text(f"""
SELECT count(*) > :counts_above FROM (
    SELECT FROM detections WHERE {_OF_RUN} AND map_geometry && ST_TileEnvelope(:z, :x, :y) LIMIT :counts_above + 1
) AS touching
""")  # noqa: S608  the parts are constants of ours

# A score is a float32: half of a hundred-thousandth keeps 0.7 out of the hundredth below. Materialized, since a condition
# on a cell is else asked of every detection, and makes the planner expect one row and sort them all; and the box is found once.
_COUNTS = text(f"""
WITH tile AS MATERIALIZED (
    SELECT ST_XMin(e) AS x0, ST_YMin(e) AS y0, (ST_XMax(e) - ST_XMin(e)) / {_GRID} AS cell FROM ST_TileEnvelope(:z, :x, :y) AS e
), boxed AS MATERIALIZED (
    SELECT label, score, Box3D(map_geometry) AS box
    FROM detections WHERE {_OF_RUN} AND map_geometry && ST_TileEnvelope(:z, :x, :y)
), centred AS (
    SELECT label, LEAST(floor(score * 100 + 0.000005), 99)::int AS hundredth,
        (ST_XMin(box) + ST_XMax(box)) / 2 AS cx, (ST_YMin(box) + ST_YMax(box)) / 2 AS cy
    FROM boxed
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
""")  # noqa: S608  the parts are constants of ours

_ANNOTATIONS = text(f"""
WITH matching AS (
    SELECT id::text AS id, label, source, map_geometry
    FROM annotations
    WHERE item_id = :owner AND verdict = 'accepted' AND deleted_at IS NULL
        AND map_geometry && ST_TileEnvelope(:z, :x, :y, margin => :margin)
    ORDER BY annotations.id
    LIMIT :limit + 1
), picked AS (
    SELECT *, count(*) OVER () > :limit AS truncated FROM matching LIMIT :limit
), drawn AS (
    SELECT id, label, source, truncated, {_SHAPE} AS shape
    FROM picked
)
SELECT ST_AsMVT(drawn, 'annotations', :extent, 'shape') FROM drawn
""")  # noqa: S608  the parts are constants of ours


async def of_detections(
    connection: AsyncConnection, run_id: UUID, tile: TileAddress, wanted: TileFilter, limit: int
) -> bytes:
    values = {"owner": run_id, "limit": limit, "margin": _MARGIN, **_chosen(wanted), **tile._asdict()}
    too_many = (await connection.execute(_TOO_MANY, values)).scalar_one()
    return await _tile(connection, _BEST_DETECTIONS if too_many else _ALL_DETECTIONS, tile, values)


async def has_more(connection: AsyncConnection, run_id: UUID, tile: TileAddress, wanted: TileFilter) -> bool:
    """Whether more than `wanted.counts_above` detections touch the tile."""
    values = {"owner": run_id, "counts_above": wanted.counts_above, **_chosen(wanted), **tile._asdict()}
    return bool((await connection.execute(_MORE, values)).scalar_one())


async def counts_of_detections(
    connection: AsyncConnection, run_id: UUID, tile: TileAddress, wanted: TileFilter
) -> bytes:
    return await _tile(connection, _COUNTS, tile, {"owner": run_id, **_chosen(wanted)})


async def of_annotations(connection: AsyncConnection, item_id: UUID, tile: TileAddress, limit: int) -> bytes:
    return await _tile(connection, _ANNOTATIONS, tile, {"owner": item_id, "limit": limit, "margin": _MARGIN})


def _chosen(wanted: TileFilter) -> dict[str, float | None]:
    return {"min_score": wanted.min_score, **asdict(wanted.measures)}


async def _tile(
    connection: AsyncConnection, statement: TextClause, tile: TileAddress, values: Mapping[str, object]
) -> bytes:
    values = {**values, **tile._asdict(), "extent": _EXTENT, "buffer": _BUFFER}
    found = (await connection.execute(statement, values)).scalar_one_or_none()
    return bytes(found) if found else b""
