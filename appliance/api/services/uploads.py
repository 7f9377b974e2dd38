"""Items on their way in: announced, uploaded straight to the store, resumed, completed. Called by routes.

The item's id follows from dataset and content, so that a file announced twice is one item and one upload.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta

from appliance.api.services import multipart
from appliance.api.services.announcing import of_item
from appliance.api.services.missing import no_dataset, no_item
from appliance.api.services.naming import file_name
from appliance.api.services.normalising import queue_normalising
from appliance.api.settings import ApiSettings
from appliance.api.storage import datasets, items, outbox
from appliance.api.storage.database import Database
from appliance.api.storage.items import ItemRecord
from appliance.api.views.uploads import ItemUpload, NewItem, Upload
from appliance.clients import logging, tracing
from appliance.clients.objectstore import ObjectStore
from appliance.contracts import keys
from appliance.contracts.base import ItemId, Name, now
from appliance.contracts.errors import Code, VedetteError
from appliance.contracts.events import EventKind
from appliance.contracts.item import Asset, AssetRole, Item, ItemState, item_id

_MEDIA_TYPE = "application/octet-stream"


class Uploads:
    def __init__(self, database: Database, store: ObjectStore, settings: ApiSettings) -> None:
        self._database, self._store, self._settings = database, store, settings

    async def announce(self, dataset: Name, body: NewItem) -> tuple[ItemUpload, bool]:
        """The item with its upload, and whether it is new.

        Raises VedetteError: NOT_FOUND (dataset), TOO_LARGE, CONFLICT (another content has this name), INVALID.
        """
        name = file_name(body.name)
        if body.size_bytes > self._settings.item_limit_bytes:
            limit = self._settings.item_limit_bytes >> 30
            raise VedetteError(Code.TOO_LARGE, f"{name} is larger than {limit} GiB.", "Split it into smaller scenes.")
        identifier = item_id(dataset, body.sha256)
        async with self._database.begin() as connection:
            if await datasets.find(connection, dataset) is None:
                raise no_dataset(dataset)
            known = await items.find(connection, identifier)
        if known is not None:
            return await self._known(known, body), False
        return await self._new(dataset, identifier, name, body)

    async def _known(self, record: ItemRecord, body: NewItem) -> ItemUpload:
        tracing.join(record.item.trace_id)
        if record.item.size_bytes != body.size_bytes:
            raise VedetteError(
                Code.INVALID,
                f"{body.name} is announced with {body.size_bytes} bytes; the same digest has {record.item.size_bytes}.",
                "Compute size and sha256 of the same file.",
            )
        upload = await self._describe(record) if record.upload_id else None
        return ItemUpload(item=record.item, upload=upload)

    async def _new(self, dataset: Name, identifier: ItemId, name: str, body: NewItem) -> tuple[ItemUpload, bool]:
        key = keys.original(identifier)
        upload_id = await asyncio.to_thread(self._store.create_multipart, key, _MEDIA_TYPE)
        try:
            record, created = await self._insert(dataset, identifier, name, body, upload_id)
        except BaseException:
            await asyncio.to_thread(self._store.abort_multipart, key, upload_id)
            raise
        if not created:
            await asyncio.to_thread(self._store.abort_multipart, key, upload_id)
            return await self._known(record, body), False
        logging.get().info("upload begins", item=str(identifier), name=name, bytes=body.size_bytes)
        return ItemUpload(item=record.item, upload=await self._describe(record)), True

    async def _insert(
        self, dataset: Name, identifier: ItemId, name: str, body: NewItem, upload_id: str
    ) -> tuple[ItemRecord, bool]:
        async with self._database.begin() as connection:
            dataset_id = await datasets.lock_for_insert(connection, dataset)
            if dataset_id is None:
                raise no_dataset(dataset)
            known = await items.find(connection, identifier)
            if known is not None:
                return known, False
            if await items.find_by_name(connection, dataset_id, name) is not None:
                raise VedetteError(
                    Code.CONFLICT,
                    f"{dataset} holds another file named {name}.",
                    "Rename this one, or delete the other first.",
                )
            values = {
                "id": identifier,
                "dataset_id": dataset_id,
                "name": name,
                "state": ItemState.UPLOADING.value,
                "size_bytes": body.size_bytes,
                "sha256": body.sha256,
                "upload_id": upload_id,
                "part_size_bytes": multipart.part_size(body.size_bytes, self._settings.part_size_bytes),
                "trace_id": tracing.current(),
            }
            await items.add(connection, values)
            record = await items.find(connection, identifier)
            if record is None:
                raise no_item(identifier)
            await outbox.add_event(connection, of_item(EventKind.ITEM_CREATED, record.item, now()))
            return record, True

    async def resume(self, identifier: ItemId) -> Upload:
        """What is missing. Raises VedetteError(CONFLICT) when the upload is complete."""
        record = await self._find(identifier)
        if record.upload_id is None:
            raise VedetteError(Code.CONFLICT, f"{record.item.name} is uploaded already.", "There is nothing to send.")
        return await self._describe(record)

    async def _describe(self, record: ItemRecord) -> Upload:
        valid = timedelta(hours=self._settings.upload_hours)
        try:
            upload = await asyncio.to_thread(multipart.describe, self._store, _transfer(record), valid)
        except VedetteError as error:
            if error.reason.code is not Code.NOT_FOUND:
                raise
            record = await self._begin_again(record)
            upload = await asyncio.to_thread(multipart.describe, self._store, _transfer(record), valid)
        async with self._database.begin() as connection:
            await items.change(connection, record.item.id)
        return upload

    async def _begin_again(self, record: ItemRecord) -> ItemRecord:
        """The store has forgotten the upload: start another."""
        identifier = record.item.id
        fresh = await asyncio.to_thread(self._store.create_multipart, keys.original(identifier), _MEDIA_TYPE)
        async with self._database.begin() as connection:
            current = await items.lock(connection, identifier)
            if current is None or current.upload_id is None:
                raise no_item(identifier)
            if current.upload_id == record.upload_id:
                await items.change(connection, identifier, upload_id=fresh)
        return await self._find(identifier)

    async def complete(self, identifier: ItemId) -> Item:
        """Check that every part came, and queue the item for normalising. Twice is once.

        Raises VedetteError(CONFLICT) when parts are missing.
        """
        record = await self._find(identifier)
        if record.upload_id is None:
            return record.item
        await asyncio.to_thread(multipart.finish, self._store, _transfer(record))
        async with self._database.begin() as connection:
            current = await items.lock(connection, identifier)
            if current is None:
                raise no_item(identifier)
            if current.upload_id is None:
                return current.item
            original = Asset(
                role=AssetRole.ORIGINAL,
                key=keys.original(identifier),
                media_type=_MEDIA_TYPE,
                size_bytes=current.item.size_bytes,
                sha256=current.item.sha256,
            )
            await items.change(connection, identifier, upload_id=None, assets=[original.model_dump(mode="json")])
            return (await queue_normalising(connection, identifier, attempt=1)).item

    async def _find(self, identifier: ItemId) -> ItemRecord:
        async with self._database.begin() as connection:
            record = await items.find(connection, identifier)
        if record is None:
            raise no_item(identifier)
        tracing.join(record.item.trace_id)
        return record


def _transfer(record: ItemRecord) -> multipart.Transfer:
    return multipart.Transfer(
        key=keys.original(record.item.id),
        upload_id=record.upload_id or "",
        size_bytes=record.item.size_bytes,
        part_size_bytes=record.part_size_bytes,
        name=record.item.name,
    )
