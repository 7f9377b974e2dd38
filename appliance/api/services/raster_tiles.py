"""Scenes as map tiles: what is asked for, in a bounded pool of threads, and kept for who asks again. Called by routes/tiles.py.

A tile is kept under its tag, and the tag names the scene's content: what is kept is never stale, on no API node.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

import cv2

from appliance.api.caching import etag
from appliance.api.services import raster
from appliance.api.services.bounded import Bounded
from appliance.api.services.items import Items
from appliance.api.services.scene_blocks import SceneBlocks, Source
from appliance.api.settings import ApiSettings
from appliance.api.views.tiles import RasterStyle, TileAddress
from appliance.clients.objectstore import ObjectStore
from appliance.contracts import keys
from appliance.contracts.base import ItemId
from appliance.contracts.errors import Code, VedetteError
from appliance.contracts.item import AssetRole

_DRAWING = 3
"""Part of every ETag: changes when the same scene comes to be drawn in another way."""


class RasterTiles:
    def __init__(self, items: Items, store: ObjectStore, settings: ApiSettings) -> None:
        self._items, self._store = items, store
        cv2.setNumThreads(1)  # its own threads would fight with these
        self._pool = ThreadPoolExecutor(settings.tile_threads, thread_name_prefix="tiles")
        self._blocks = SceneBlocks(settings.tile_block_bytes)
        self._painter = raster.Painter(self._blocks)
        self._tiles: Bounded[tuple[str, TileAddress], bytes] = Bounded(settings.tile_cache_bytes, len)

    async def scene(self, item_id: ItemId) -> Source:
        """Raises VedetteError(NOT_FOUND) while the item is not ready."""
        item = await self._items.get(item_id)
        if item.scene is None:
            problem = f"{item.name} is {item.state.value}, not ready."
            raise VedetteError(Code.NOT_FOUND, problem, "Wait until it is ready.")
        asset = next((one for one in item.assets if one.role is AssetRole.SCENE), None)
        content = (asset.sha256 or asset.size_bytes) if asset else item.sha256
        path, options = self._store.gdal_path(keys.scene(item_id)), self._store.gdal_options()
        return Source(path, f"{item_id} {content}", options, item.scene)

    def tag(self, source: Source, style: RasterStyle) -> str:
        return etag("scene", _DRAWING, source.content, style)

    async def tile(self, source: Source, tile: TileAddress, style: RasterStyle) -> bytes:
        """Raises what raster.Painter.draw raises."""
        kept = (self.tag(source, style), tile)
        drawn = self._tiles.get(kept)
        if drawn is None:
            loop = asyncio.get_running_loop()
            drawn = await loop.run_in_executor(self._pool, self._painter.draw, source, tile, style)
            self._tiles.put(kept, drawn)
        return drawn

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._blocks.close()
