"""Scenes as map tiles: what is asked for, in a bounded pool of threads. Called by routes/tiles.py."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

from appliance.api.caching import etag
from appliance.api.services import raster
from appliance.api.services.items import Items
from appliance.api.views.tiles import RasterStyle, TileAddress
from appliance.clients.objectstore import ObjectStore
from appliance.contracts import keys
from appliance.contracts.base import ItemId
from appliance.contracts.errors import Code, VedetteError
from appliance.contracts.item import AssetRole, Item, SceneInfo

_DRAWING = 2
"""Part of every ETag: changes when the same scene comes to be drawn in another way."""


class RasterTiles:
    def __init__(self, items: Items, store: ObjectStore, threads: int) -> None:
        self._items, self._store = items, store
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="tiles")

    async def tag(self, item_id: ItemId, style: RasterStyle) -> str:
        item = await self._items.get(item_id)
        _scene(item)
        asset = next((one for one in item.assets if one.role is AssetRole.SCENE), None)
        content = (asset.sha256 or asset.size_bytes) if asset else item.sha256
        return etag("scene", _DRAWING, item_id, content, style)

    async def tile(self, item_id: ItemId, tile: TileAddress, style: RasterStyle) -> bytes:
        """Raises VedetteError(NOT_FOUND) while the item is not ready, and what raster.draw raises."""
        scene = _scene(await self._items.get(item_id))
        source = raster.Source(self._store.gdal_path(keys.scene(item_id)), self._store.gdal_options(), scene)
        if not tile.exists:
            return raster.empty(style)
        drawn = await asyncio.get_running_loop().run_in_executor(self._pool, raster.draw, source, tile, style)
        return drawn if drawn is not None else raster.empty(style)

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)


def _scene(item: Item) -> SceneInfo:
    if item.scene is None:
        raise VedetteError(Code.NOT_FOUND, f"{item.name} is {item.state.value}, not ready.", "Wait until it is ready.")
    return item.scene
