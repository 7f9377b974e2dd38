"""Datasets. Called by services; the name is what people use, the id what other tables refer to."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from appliance.api.storage import cursors
from appliance.api.storage.tables import datasets, items, snapshots
from appliance.api.views.pages import DatasetPage, DatasetView
from appliance.contracts.base import DatasetId, Name

_COUNT = (
    select(func.count()).select_from(items).where(items.c.dataset_id == datasets.c.id).scalar_subquery().label("items")
)
_VIEW = select(datasets.c.id, datasets.c.name, datasets.c.title, datasets.c.priority, datasets.c.created_at, _COUNT)


async def create(connection: AsyncConnection, name: Name, title: str) -> bool:
    """False when it was there already."""
    statement = upsert(datasets).values(id=uuid4(), name=name, title=title).on_conflict_do_nothing()
    return (await connection.execute(statement.returning(datasets.c.id))).one_or_none() is not None


async def change(connection: AsyncConnection, name: Name, values: dict[str, Any]) -> bool:
    """Set these columns, if any; False when there is no such dataset."""
    statement = update(datasets).where(datasets.c.name == name).values({"name": name, **values})
    return (await connection.execute(statement.returning(datasets.c.id))).one_or_none() is not None


async def find(connection: AsyncConnection, name: Name) -> DatasetView | None:
    row = (await connection.execute(_VIEW.where(datasets.c.name == name))).one_or_none()
    return DatasetView.model_validate(dict(row._mapping)) if row else None


async def lock(connection: AsyncConnection, name: Name) -> DatasetId | None:
    """The id, held so that the dataset is not deleted before this transaction ends."""
    statement = select(datasets.c.id).where(datasets.c.name == name).with_for_update(key_share=True, read=True)
    return (await connection.execute(statement)).scalar_one_or_none()


async def lock_for_insert(connection: AsyncConnection, name: Name) -> DatasetId | None:
    """The id, held alone: of two files of one name announced at once, the second finds the first."""
    statement = select(datasets.c.id).where(datasets.c.name == name).with_for_update()
    return (await connection.execute(statement)).scalar_one_or_none()


async def page(connection: AsyncConnection, cursor: str | None, limit: int) -> DatasetPage:
    statement = _VIEW.order_by(datasets.c.name).limit(limit + 1)
    if cursor:
        (after,) = cursors.decode(cursor, str)
        statement = statement.where(datasets.c.name > after)
    found = [DatasetView.model_validate(dict(row._mapping)) for row in await connection.execute(statement)]
    more = cursors.encode(found[limit - 1].name) if len(found) > limit else None
    return DatasetPage(items=found[:limit], next=more)


async def remove(connection: AsyncConnection, dataset_id: DatasetId) -> None:
    # Snapshots first: they hold on to items, which go with the dataset.
    await connection.execute(delete(snapshots).where(snapshots.c.dataset_id == dataset_id))
    await connection.execute(delete(datasets).where(datasets.c.id == dataset_id))
