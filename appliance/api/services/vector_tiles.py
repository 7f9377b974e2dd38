"""Vector tiles of detections and annotations, and what tells one state of them from another. Called by routes/tiles.py."""

from __future__ import annotations

from appliance.api.caching import etag
from appliance.api.services.missing import no_item, no_run
from appliance.api.storage import items, runs, tile_counts, vector_tiles
from appliance.api.storage.database import Database
from appliance.api.views.detections import TileFilter
from appliance.api.views.tiles import AnnotationTileFilter, TileAddress
from appliance.contracts.base import ItemId, RunId


class VectorTiles:
    def __init__(self, database: Database, features: int) -> None:
        """`features`: how many one tile holds at most."""
        self._database, self._features = database, features

    async def run_tag(self, run_id: RunId, wanted: TileFilter) -> str:
        """A run's detections change when it ends, never else."""
        async with self._database.look() as connection:
            record = await runs.find(connection, run_id)
        if record is None:
            raise no_run(run_id)
        run = record.run
        return etag("detections", run_id, run.attempt, run.state, run.finished_at, wanted, self._features)

    async def annotations_tag(self, item_id: ItemId, wanted: AnnotationTileFilter) -> str:
        async with self._database.look() as connection:
            record = await items.find(connection, item_id)
        if record is None:
            raise no_item(item_id)
        return etag("annotations", item_id, record.item.created_at, record.annotations_version, wanted, self._features)

    async def detections(self, run_id: RunId, tile: TileAddress, wanted: TileFilter) -> bytes:
        if not tile.exists:
            return b""
        async with self._database.look() as connection:
            if await tile_counts.is_crowded(connection, run_id, tile, wanted):
                return await tile_counts.counts(connection, run_id, tile, wanted)
            return await vector_tiles.of_detections(connection, run_id, tile, wanted, self._features)

    async def annotations(self, item_id: ItemId, tile: TileAddress, wanted: AnnotationTileFilter) -> bytes:
        if not tile.exists:
            return b""
        async with self._database.look() as connection:
            if await tile_counts.is_crowded(connection, item_id, tile, wanted):
                return await tile_counts.counts(connection, item_id, tile, wanted)
            return await vector_tiles.of_annotations(connection, item_id, tile, wanted, self._features)
