"""Vector tiles by ST_AsMVT, straight from the tables. Called by services/vector_tiles.py.

A shape smaller than the tile's grid becomes a point, so that nothing vanishes when one zooms out. Where a tile holds
more than `limit` shapes only the first are given (of detections: the best), each with `truncated` set.
"""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncConnection

from appliance.api.views.tiles import TileAddress

_EXTENT = 4096
_BUFFER = 128

_DETECTIONS = text("""
WITH matching AS (
    SELECT ordinal, label, score, area_square_metres AS area, map_geometry
    FROM detections
    WHERE run_id = :owner AND score >= CAST(:min_score AS real) AND map_geometry && ST_TileEnvelope(:z, :x, :y, margin => :margin)
    ORDER BY score DESC, ordinal
    LIMIT :limit + 1
), picked AS (
    SELECT *, count(*) OVER () > :limit AS truncated FROM matching LIMIT :limit
), drawn AS (
    SELECT ordinal AS id, ordinal, label, score, area, truncated, COALESCE(
        ST_AsMVTGeom(map_geometry, ST_TileEnvelope(:z, :x, :y), :extent, :buffer, true),
        ST_AsMVTGeom(ST_Centroid(map_geometry), ST_TileEnvelope(:z, :x, :y), :extent, :buffer, true)) AS shape
    FROM picked
)
SELECT ST_AsMVT(drawn, 'detections', :extent, 'shape', 'id') FROM drawn WHERE shape IS NOT NULL
""")

_ANNOTATIONS = text("""
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
    SELECT id, label, source, truncated, COALESCE(
        ST_AsMVTGeom(map_geometry, ST_TileEnvelope(:z, :x, :y), :extent, :buffer, true),
        ST_AsMVTGeom(ST_Centroid(map_geometry), ST_TileEnvelope(:z, :x, :y), :extent, :buffer, true)) AS shape
    FROM picked
)
SELECT ST_AsMVT(drawn, 'annotations', :extent, 'shape') FROM drawn WHERE shape IS NOT NULL
""")


async def of_detections(
    connection: AsyncConnection, run_id: UUID, tile: TileAddress, min_score: float, limit: int
) -> bytes:
    return await _tile(connection, _DETECTIONS.bindparams(min_score=min_score), run_id, tile, limit)


async def of_annotations(connection: AsyncConnection, item_id: UUID, tile: TileAddress, limit: int) -> bytes:
    return await _tile(connection, _ANNOTATIONS, item_id, tile, limit)


async def _tile(
    connection: AsyncConnection, statement: TextClause, owner: UUID, tile: TileAddress, limit: int
) -> bytes:
    values = {"owner": owner, "limit": limit, "extent": _EXTENT, "buffer": _BUFFER, "margin": _BUFFER / _EXTENT}
    found = (await connection.execute(statement, {**values, **tile._asdict()})).scalar_one_or_none()
    return bytes(found) if found else b""
