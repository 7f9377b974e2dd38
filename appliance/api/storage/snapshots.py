"""Snapshots: what was frozen, and which items it holds on to. Called by services/snapshots.py."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Row, insert, select, tuple_
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from appliance.api.storage import cursors
from appliance.api.storage.tables import snapshot_items, snapshots
from appliance.api.views.pages import SnapshotPage, SnapshotView
from appliance.contracts.base import DatasetId, Sha256
from appliance.contracts.snapshot import SnapshotManifest


async def add(
    connection: AsyncConnection, digest: Sha256, dataset_id: DatasetId, manifest: SnapshotManifest, by: str
) -> None:
    """Nothing changes when it is there already."""
    statement = upsert(snapshots).values(
        digest=digest, dataset_id=dataset_id, manifest=manifest.model_dump(mode="json"), created_by=by
    )
    statement = statement.on_conflict_do_nothing()
    if (await connection.execute(statement.returning(snapshots.c.digest))).one_or_none() is None:
        return
    held = [{"digest": digest, "item_id": item.item_id} for item in manifest.items]
    await connection.execute(insert(snapshot_items), held)


async def find(connection: AsyncConnection, digest: Sha256) -> SnapshotManifest | None:
    found = (await connection.execute(select(snapshots.c.manifest).where(snapshots.c.digest == digest))).one_or_none()
    return SnapshotManifest.model_validate(found.manifest) if found else None


async def digests_of_dataset(connection: AsyncConnection, dataset_id: DatasetId) -> list[Sha256]:
    statement = select(snapshots.c.digest).where(snapshots.c.dataset_id == dataset_id)
    return list((await connection.execute(statement)).scalars())


async def page(connection: AsyncConnection, dataset_id: DatasetId, cursor: str | None, limit: int) -> SnapshotPage:
    """Newest first."""
    statement = select(snapshots).where(snapshots.c.dataset_id == dataset_id)
    if cursor:
        before = tuple_(*cursors.decode(cursor, datetime, str))
        statement = statement.where(tuple_(snapshots.c.created_at, snapshots.c.digest) < before)
    statement = statement.order_by(snapshots.c.created_at.desc(), snapshots.c.digest.desc()).limit(limit + 1)
    found = [_view(row) for row in await connection.execute(statement)]
    more = cursors.encode(found[limit - 1].created_at, found[limit - 1].digest) if len(found) > limit else None
    return SnapshotPage(items=found[:limit], next=more)


def _view(row: Row[Any]) -> SnapshotView:
    manifest = SnapshotManifest.model_validate(row.manifest)
    return SnapshotView(
        digest=row.digest,
        dataset=manifest.dataset,
        items=len(manifest.items),
        annotations=manifest.annotations,
        labels=manifest.labels,
        created_at=row.created_at,
        created_by=row.created_by,
    )
