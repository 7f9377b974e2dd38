"""Snapshots: made of what a dataset holds now, kept for ever. Called by routes/snapshots.py.

The folder's small files are copied under the snapshot's own prefix; scenes are by reference, and an item that a
snapshot holds cannot be deleted alone.
"""

from __future__ import annotations

import asyncio
import tempfile
from datetime import timedelta
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncConnection

from appliance.api.services.missing import no_dataset
from appliance.api.storage import annotations as annotation_rows
from appliance.api.storage import datasets, items, snapshots
from appliance.api.storage.database import Database
from appliance.api.storage.items import ItemRecord
from appliance.api.views.pages import SnapshotPage
from appliance.api.views.work import NewSnapshot, SnapshotCreated, SnapshotFile, SnapshotFiles
from appliance.clients.objectstore import ObjectStore
from appliance.contracts import keys
from appliance.contracts.base import DatasetId, Name, Sha256
from appliance.contracts.errors import Code, VedetteError
from appliance.contracts.item import AssetRole, ItemState
from appliance.contracts.snapshot import (
    ANNOTATIONS_FILE,
    ITEMS_FOLDER,
    MANIFEST_FILE,
    PixelWindow,
    SnapshotAnnotation,
    SnapshotItem,
)
from appliance.formats import snapshot as format_

_DOWNLOAD = timedelta(hours=12)
_MEDIA_TYPES = {MANIFEST_FILE: "application/json", ANNOTATIONS_FILE: "application/x-ndjson"}


class Snapshots:
    def __init__(self, database: Database, store: ObjectStore) -> None:
        self._database, self._store = database, store

    async def page(self, dataset: Name, cursor: str | None, limit: int) -> SnapshotPage:
        async with self._database.begin() as connection:
            found = await datasets.find(connection, dataset)
            if found is None:
                raise no_dataset(dataset)
            return await snapshots.page(connection, found.id, cursor, limit)

    async def create(self, dataset: Name, body: NewSnapshot, by: str) -> SnapshotCreated:
        """Freeze the items asked for, or every ready one. Raises VedetteError(EMPTY | CONFLICT | NOT_FOUND)."""
        async with self._database.begin() as connection:
            dataset_id = await datasets.lock(connection, dataset)
            if dataset_id is None:
                raise no_dataset(dataset)
            chosen = await _chosen(connection, dataset, dataset_id, body)
            known = await annotation_rows.records(connection, [item.item_id for item in chosen])
        records = [SnapshotAnnotation(item_id=item, **record.model_dump()) for _, item, record in known]
        written = await asyncio.to_thread(self._write, dataset, chosen, records)
        async with self._database.begin() as connection:
            if await datasets.lock(connection, dataset) != dataset_id:
                raise no_dataset(dataset)
            await snapshots.add(connection, written.digest, dataset_id, written.manifest, by)
        return written

    def _write(self, dataset: Name, chosen: list[SnapshotItem], records: list[SnapshotAnnotation]) -> SnapshotCreated:
        with tempfile.TemporaryDirectory(prefix="vedette-snapshot-") as folder:
            made = format_.write(Path(folder), dataset, chosen, records)
            prefix = keys.snapshot_prefix(made.digest)
            for name, media_type in _MEDIA_TYPES.items():
                self._store.put_file(prefix + name, made.folder / name, media_type)
        return SnapshotCreated(digest=made.digest, manifest=made.manifest)

    async def files(self, digest: Sha256) -> SnapshotFiles:
        async with self._database.begin() as connection:
            manifest = await snapshots.find(connection, digest)
        if manifest is None:
            raise VedetteError(Code.NOT_FOUND, f"There is no snapshot {digest}.", "List the dataset's snapshots.")
        prefix = keys.snapshot_prefix(digest)
        places = {name: prefix + name for name in _MEDIA_TYPES}
        places |= {f"{ITEMS_FOLDER}/{item.item_id}.tif": keys.scene(item.item_id) for item in manifest.items}
        return SnapshotFiles(manifest=manifest, files=await asyncio.to_thread(self._presigned, places))

    def _presigned(self, places: dict[str, str]) -> list[SnapshotFile]:
        return [SnapshotFile(path=path, url=self._store.presigned_get(key, _DOWNLOAD)) for path, key in places.items()]


async def _chosen(
    connection: AsyncConnection, dataset: Name, dataset_id: DatasetId, body: NewSnapshot
) -> list[SnapshotItem]:
    if body.items is None:
        ready = await items.ready_of_dataset(connection, dataset_id)
        if not ready:
            raise VedetteError(Code.EMPTY, f"{dataset} holds no ready item.", "Push scenes and wait until ready.")
        return [_frozen(record, []) for record in ready]
    windows: dict[str, list[PixelWindow]] = {}
    for part in body.items:
        if part.name in windows:
            raise VedetteError(Code.INVALID, f"{part.name} is named twice.", "Give all its windows at once.")
        windows[part.name] = sorted(part.windows, key=lambda window: (window.y, window.x, window.height, window.width))
    found = {r.item.name: r for r in await items.find_named(connection, dataset_id, set(windows))}
    missing = sorted(set(windows) - set(found))
    if missing:
        raise VedetteError(Code.NOT_FOUND, f"{dataset} holds no item named {missing[0]}.", "Correct its name.")
    return [_frozen(found[name], part) for name, part in windows.items()]


def _frozen(record: ItemRecord, windows: list[PixelWindow]) -> SnapshotItem:
    item = record.item
    if item.state is not ItemState.READY or item.scene is None:
        raise VedetteError(Code.CONFLICT, f"{item.name} is {item.state.value}, not ready.", "Wait, or leave it out.")
    asset = next((one for one in item.assets if one.role is AssetRole.SCENE), None)
    if asset is None or asset.sha256 is None:
        raise VedetteError(Code.CONFLICT, f"The scene of {item.name} has no digest.", "Delete and push it again.")
    for window in windows:
        if window.x + window.width > item.scene.width or window.y + window.height > item.scene.height:
            raise VedetteError(Code.INVALID, f"A window lies outside {item.name}.", "Keep windows within the scene.")
    return SnapshotItem(
        item_id=item.id,
        name=item.name,
        original_sha256=item.sha256,
        scene_sha256=asset.sha256,
        width=item.scene.width,
        height=item.scene.height,
        gsd_metres=item.scene.gsd_metres,
        crs=item.scene.crs,
        transform=item.scene.transform,
        windows=windows,
    )
