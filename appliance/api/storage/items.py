"""Items and the state of their uploads. Called by services and by background work."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, bindparam, delete, exists, func, insert, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from appliance.api.storage import cursors
from appliance.api.storage.tables import datasets, detectors, followed_detectors, items, runs, snapshot_items
from appliance.api.views.pages import ItemPage
from appliance.contracts.base import DatasetId, ItemId, Name, RunId
from appliance.contracts.item import Item, ItemState


@dataclass(frozen=True)
class ItemRecord:
    """An item with what only the API knows of it. `upload_id` is None once the upload is complete."""

    item: Item
    attempt: int
    upload_id: str | None
    part_size_bytes: int
    annotations_version: int
    heard_at: datetime


_INTERNAL = ("attempt", "upload_id", "part_size_bytes", "annotations_version", "heard_at")
_SELECT = select(items, datasets.c.name.label("dataset")).join(datasets, datasets.c.id == items.c.dataset_id)

_BY_ID = _SELECT.where(items.c.id == bindparam("wanted"))
"""Every tile asks this: built once."""


def _record(row: Row[Any]) -> ItemRecord:
    values = dict(row._mapping)
    internal = {name: values.pop(name) for name in _INTERNAL}
    return ItemRecord(item=Item.model_validate(values), **internal)


async def _one(connection: AsyncConnection, statement: Select[Any]) -> ItemRecord | None:
    row = (await connection.execute(statement)).one_or_none()
    return _record(row) if row else None


async def find(connection: AsyncConnection, item_id: ItemId) -> ItemRecord | None:
    row = (await connection.execute(_BY_ID, {"wanted": item_id})).one_or_none()
    return _record(row) if row else None


async def lock(connection: AsyncConnection, item_id: ItemId) -> ItemRecord | None:
    """The item, which no one else changes before this transaction ends."""
    return await _one(connection, _SELECT.where(items.c.id == item_id).with_for_update(of=items))


async def find_by_name(connection: AsyncConnection, dataset_id: DatasetId, name: str) -> ItemRecord | None:
    return await _one(connection, _SELECT.where(items.c.dataset_id == dataset_id, items.c.name == name))


async def find_named(connection: AsyncConnection, dataset_id: DatasetId, names: set[str]) -> list[ItemRecord]:
    statement = _SELECT.where(items.c.dataset_id == dataset_id, items.c.name.in_(names))
    return [_record(row) for row in await connection.execute(statement)]


async def add(connection: AsyncConnection, values: dict[str, Any]) -> None:
    await connection.execute(insert(items).values(**values))


async def change(connection: AsyncConnection, item_id: ItemId, **values: Any) -> None:
    """Set columns, and note that something was heard of the item."""
    await connection.execute(update(items).where(items.c.id == item_id).values(heard_at=func.now(), **values))


async def remove(connection: AsyncConnection, item_id: ItemId) -> None:
    await connection.execute(delete(items).where(items.c.id == item_id))


async def page(connection: AsyncConnection, dataset_id: DatasetId, cursor: str | None, limit: int) -> ItemPage:
    """Newest first."""
    statement = _SELECT.where(items.c.dataset_id == dataset_id)
    if cursor:
        created_at, item_id = cursors.decode(cursor, datetime, UUID)
        position = tuple_(created_at, item_id)
        statement = statement.where(tuple_(items.c.created_at, items.c.id) < position)
    statement = statement.order_by(items.c.created_at.desc(), items.c.id.desc()).limit(limit + 1)
    found = [_record(row).item for row in await connection.execute(statement)]
    last = found[limit - 1] if len(found) > limit else None
    more = cursors.encode(last.created_at, last.id) if last else None
    return ItemPage(items=found[:limit], next=more)


async def ids_of_dataset(connection: AsyncConnection, dataset_id: DatasetId) -> list[ItemId]:
    return list((await connection.execute(select(items.c.id).where(items.c.dataset_id == dataset_id))).scalars())


async def ready_of_dataset(connection: AsyncConnection, dataset_id: DatasetId) -> list[ItemRecord]:
    statement = _SELECT.where(items.c.dataset_id == dataset_id, items.c.state == ItemState.READY.value)
    return [_record(row) for row in await connection.execute(statement.order_by(items.c.id))]


async def run_ids(connection: AsyncConnection, item_ids: list[ItemId]) -> list[RunId]:
    return list((await connection.execute(select(runs.c.id).where(runs.c.item_id.in_(item_ids)))).scalars())


async def in_a_snapshot(connection: AsyncConnection, item_id: ItemId) -> str | None:
    """The digest of one snapshot that holds the item."""
    statement = select(snapshot_items.c.digest).where(snapshot_items.c.item_id == item_id).limit(1)
    return (await connection.execute(statement)).scalar_one_or_none()


async def silent(connection: AsyncConnection, state: ItemState, before: datetime, limit: int) -> list[ItemRecord]:
    """Items in `state` of which nothing was heard since `before`; locked, leaving those that others hold."""
    statement = (
        _SELECT.where(items.c.state == state.value, items.c.heard_at < before)
        .order_by(items.c.heard_at)
        .limit(limit)
        .with_for_update(of=items, skip_locked=True)
    )
    return [_record(row) for row in await connection.execute(statement)]


async def without_a_run(
    connection: AsyncConnection, detector: Name, dataset_names: list[Name], after: ItemId | None, limit: int
) -> list[ItemRecord]:
    """Ready items of these datasets that have no run of the detector, in the order of their identifiers."""
    run = exists().where(runs.c.item_id == items.c.id, runs.c.detector == detector)
    statement = _SELECT.where(items.c.state == ItemState.READY.value, datasets.c.name.in_(dataset_names), ~run)
    if after is not None:
        statement = statement.where(items.c.id > after)
    return [_record(row) for row in await connection.execute(statement.order_by(items.c.id).limit(limit))]


async def unwatched(connection: AsyncConnection, limit: int) -> list[ItemRecord]:
    """Ready items that lack a run of some detector which watches their dataset, and is not that of a cluster's Detector."""
    run = exists().where(
        runs.c.item_id == items.c.id,
        runs.c.detector == detectors.c.name,
        runs.c.version == detectors.c.version,
    )
    followed = exists().where(followed_detectors.c.name == detectors.c.name)
    watched = exists().where(detectors.c.ready, datasets.c.name == detectors.c.subscribe.any_(), ~run, ~followed)
    statement = _SELECT.where(items.c.state == ItemState.READY.value, watched).limit(limit)
    return [_record(row) for row in await connection.execute(statement)]
