"""Vector tiles by ST_AsMVT, straight from the tables. Called by services/vector_tiles.py.

A shape smaller than the tile's grid becomes a point, so that nothing vanishes when one zooms out. Where a tile holds
more than `limit` shapes only the first are given (of detections: the best), each with `truncated` set. Of counts in
their place knows storage/tile_counts.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from uuid import UUID

from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncConnection

from appliance.api.storage.measuring import AREA, SIZE, WITHIN
from appliance.api.views.detections import TileFilter
from appliance.api.views.tiles import AnnotationTileFilter, TileAddress
from appliance.contracts.annotation import PEOPLE

_EXTENT = 4096
_BUFFER = 128
_MARGIN = _BUFFER / _EXTENT

OF_RUN = f"run_id = :owner AND score >= CAST(:min_score AS real) AND {WITHIN}"
OF_ITEM = """item_id = :owner AND verdict = 'accepted' AND deleted_at IS NULL
    AND (CAST(:without AS text) IS NULL OR source <> CAST(:without AS text))"""

_TOUCHING = f"{OF_RUN} AND map_geometry && ST_TileEnvelope(:z, :x, :y, margin => :margin)"
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

_ANNOTATIONS = text(f"""
WITH matching AS (
    SELECT id::text AS id, label, source, map_geometry
    FROM annotations
    WHERE {OF_ITEM}
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
    values = {"owner": run_id, "limit": limit, "margin": _MARGIN, **chosen(wanted), **tile._asdict()}
    too_many = (await connection.execute(_TOO_MANY, values)).scalar_one()
    return await drawn(connection, _BEST_DETECTIONS if too_many else _ALL_DETECTIONS, tile, values)


async def of_annotations(
    connection: AsyncConnection, item_id: UUID, tile: TileAddress, wanted: AnnotationTileFilter, limit: int
) -> bytes:
    values = {"owner": item_id, "limit": limit, "margin": _MARGIN, **chosen(wanted)}
    return await drawn(connection, _ANNOTATIONS, tile, values)


def chosen(wanted: TileFilter | AnnotationTileFilter) -> dict[str, float | str | None]:
    """The parameters of OF_RUN, or of OF_ITEM."""
    if isinstance(wanted, AnnotationTileFilter):
        return {"without": None if wanted.people else PEOPLE}
    return {"min_score": wanted.min_score, **asdict(wanted.measures)}


async def drawn(
    connection: AsyncConnection, statement: TextClause, tile: TileAddress, values: Mapping[str, object]
) -> bytes:
    """What a statement that ends in ST_AsMVT gives; empty where it gives nothing."""
    values = {**values, **tile._asdict(), "extent": _EXTENT, "buffer": _BUFFER}
    found = (await connection.execute(statement, values)).scalar_one_or_none()
    return bytes(found) if found else b""
