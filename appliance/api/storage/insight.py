"""What the operator of the machine wants to know of the tables: how many, how old, what failed. Called by services."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, literal, null, select, union_all
from sqlalchemy.ext.asyncio import AsyncConnection

from appliance.api.storage.tables import datasets, items, outbox, runs
from appliance.api.views.status import Failure, OutboxView
from appliance.contracts.item import ItemState
from appliance.contracts.run import RunState


@dataclass(frozen=True)
class Counts:
    """How many there are in each state; states that none is in are left out."""

    items: dict[str, int]
    runs: dict[str, int]


async def counts(connection: AsyncConnection) -> Counts:
    return Counts(await _by_state(connection, items), await _by_state(connection, runs))


async def _by_state(connection: AsyncConnection, table: Any) -> dict[str, int]:
    found = await connection.execute(select(table.c.state, func.count()).group_by(table.c.state))
    return {row[0]: row[1] for row in found}


async def backlog(connection: AsyncConnection) -> OutboxView:
    age = func.extract("epoch", func.now() - func.min(outbox.c.created_at))
    number, oldest = (await connection.execute(select(func.count(), age).select_from(outbox))).one()
    return OutboxView(messages=number, oldest_seconds=None if oldest is None else max(0.0, float(oldest)))


async def failures(connection: AsyncConnection, limit: int) -> list[Failure]:
    """Items and runs that have failed, the last first."""
    failed_items: Select[Any] = (
        select(
            literal("item").label("kind"),
            items.c.id,
            items.c.name,
            datasets.c.name.label("dataset"),
            null().label("detector"),
            items.c.reason,
            items.c.heard_at.label("at"),
            items.c.trace_id,
        )
        .join(datasets, datasets.c.id == items.c.dataset_id)
        .where(items.c.state == ItemState.FAILED.value)
        .order_by(items.c.heard_at.desc())
        .limit(limit)
    )
    failed_runs: Select[Any] = (
        select(
            literal("run").label("kind"),
            runs.c.id,
            items.c.name,
            datasets.c.name.label("dataset"),
            runs.c.detector,
            runs.c.reason,
            runs.c.heard_at.label("at"),
            runs.c.trace_id,
        )
        .join(items, items.c.id == runs.c.item_id)
        .join(datasets, datasets.c.id == items.c.dataset_id)
        .where(runs.c.state == RunState.FAILED.value)
        .order_by(runs.c.heard_at.desc())
        .limit(limit)
    )
    both = union_all(failed_items.subquery().select(), failed_runs.subquery().select()).subquery()
    rows = await connection.execute(select(both).order_by(both.c.at.desc()).limit(limit))
    return [Failure.model_validate(dict(row._mapping)) for row in rows]


async def names(connection: AsyncConnection, ids: list[UUID]) -> dict[UUID, str]:
    """What people call these items and runs: `scene.tif`, or `crowns on scene.tif`."""
    if not ids:
        return {}
    of_items = await connection.execute(select(items.c.id, items.c.name).where(items.c.id.in_(ids)))
    found = {row[0]: row[1] for row in of_items}
    of_runs = await connection.execute(
        select(runs.c.id, runs.c.detector, items.c.name)
        .join(items, items.c.id == runs.c.item_id)
        .where(runs.c.id.in_(ids))
    )
    return found | {identifier: f"{detector} on {name}" for identifier, detector, name in of_runs}
