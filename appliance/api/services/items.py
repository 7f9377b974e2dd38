"""Items that are there: shown, tried again, deleted. Called by routes."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import NamedTuple

from appliance.api.caching import etag
from appliance.api.services.announcing import of_item
from appliance.api.services.missing import no_dataset, no_item
from appliance.api.services.normalising import queue_normalising
from appliance.api.storage import datasets, items, outbox
from appliance.api.storage.database import Database
from appliance.api.storage.items import ItemRecord
from appliance.api.views.pages import ItemPage
from appliance.clients import tracing
from appliance.clients.objectstore import ObjectStore
from appliance.contracts import keys
from appliance.contracts.base import ItemId, Name, now
from appliance.contracts.errors import Code, VedetteError
from appliance.contracts.events import EventKind
from appliance.contracts.item import AssetRole, Item, ItemState

_DOWNLOAD = timedelta(hours=1)
_THUMBNAIL_LIMIT = 8 << 20


class Thumbnail(NamedTuple):
    """Where it lies, what it is, and what tells it from another."""

    key: str
    media_type: str
    tag: str


class Items:
    def __init__(self, database: Database, store: ObjectStore) -> None:
        self._database, self._store = database, store

    async def page(self, dataset: Name, cursor: str | None, limit: int) -> ItemPage:
        async with self._database.begin() as connection:
            found = await datasets.find(connection, dataset)
            if found is None:
                raise no_dataset(dataset)
            return await items.page(connection, found.id, cursor, limit)

    async def record(self, item_id: ItemId) -> ItemRecord:
        async with self._database.look() as connection:
            found = await items.find(connection, item_id)
        if found is None:
            raise no_item(item_id)
        return found

    async def get(self, item_id: ItemId) -> Item:
        return (await self.record(item_id)).item

    async def retry(self, item_id: ItemId) -> Item:
        """A failed item is queued again; one that waits or is being normalised stays as it is."""
        async with self._database.begin() as connection:
            record = await items.lock(connection, item_id)
            if record is None:
                raise no_item(item_id)
            tracing.join(record.item.trace_id)
            state = record.item.state
            if state in {ItemState.QUEUED, ItemState.NORMALISING}:
                return record.item
            if state is not ItemState.FAILED:
                raise VedetteError(
                    Code.CONFLICT, f"{record.item.name} is {state.value}.", "Only what failed is retried."
                )
            return (await queue_normalising(connection, item_id, record.attempt + 1)).item

    async def delete(self, item_id: ItemId) -> None:
        """At once in the database; the files follow. Raises VedetteError(CONFLICT) while a snapshot holds the item."""
        async with self._database.begin() as connection:
            record = await items.lock(connection, item_id)
            if record is None:
                raise no_item(item_id)
            held = await items.in_a_snapshot(connection, item_id)
            if held is not None:
                raise VedetteError(
                    Code.CONFLICT,
                    f"{record.item.name} belongs to snapshot {held}.",
                    "Snapshots never change; delete the whole dataset if it must go.",
                )
            run_ids = await items.run_ids(connection, [item_id])
            for run_id in run_ids:
                await outbox.add_cancellation(connection, run_id, cancelled=True)
            prefixes = [keys.item_prefix(item_id), *map(keys.run_prefix, run_ids)]
            await outbox.add_removals(connection, prefixes)
            await items.remove(connection, item_id)
            await outbox.add_event(connection, of_item(EventKind.ITEM_DELETED, record.item, now()))
        if record.upload_id is not None:
            key = keys.original(item_id)
            await asyncio.to_thread(self._store.abort_multipart, key, record.upload_id)

    async def original_url(self, item_id: ItemId) -> str:
        item = await self.get(item_id)
        if item.state is ItemState.UPLOADING:
            raise VedetteError(Code.CONFLICT, f"{item.name} is not uploaded yet.", "Finish its upload first.")
        return await asyncio.to_thread(self._store.presigned_get, keys.original(item_id), _DOWNLOAD, item.name)

    async def find_thumbnail(self, item_id: ItemId) -> Thumbnail:
        item = await self.get(item_id)
        asset = next((one for one in item.assets if one.role is AssetRole.THUMBNAIL), None)
        if asset is None:
            raise VedetteError(Code.NOT_FOUND, f"{item.name} has no thumbnail yet.", "Wait until it is ready.")
        key = keys.thumbnail(item_id, asset.media_type)
        return Thumbnail(key, asset.media_type, etag("thumbnail", item_id, asset.sha256 or asset.size_bytes))

    async def thumbnail(self, found: Thumbnail) -> bytes:
        return await asyncio.to_thread(self._store.get_bytes, found.key, _THUMBNAIL_LIMIT)
