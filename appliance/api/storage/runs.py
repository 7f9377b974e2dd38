"""Runs. Called by services and by background work."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, and_, delete, func, not_, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from appliance.api.storage import cursors
from appliance.api.storage.tables import datasets, items, runs
from appliance.api.views.pages import RunPage
from appliance.contracts.base import DatasetId, ItemId, Name, RunId, Version
from appliance.contracts.run import Progress, Run, RunState


@dataclass(frozen=True)
class RunRecord:
    """A run with what only the API knows of it."""

    run: Run
    dataset_id: DatasetId
    worker: str | None
    heard_at: datetime
    placed_on: UUID | None
    workers_lost: int
    memory_bytes: int


@dataclass(frozen=True)
class NewRun:
    """A run that is asked for, and what it asks of a worker."""

    id: RunId
    item_id: ItemId
    detector: Name
    version: Version
    megapixels: float
    memory_bytes: int
    gpu: bool
    trace_id: str | None


_INTERNAL = ("dataset_id", "worker", "heard_at", "placed_on", "workers_lost", "memory_bytes")
_OF_THE_QUEUE = ("megapixels", "gpu", "queued_at", "refused_by", "refused_at")
"""Read by queue.py alone."""

_SELECT = select(runs, items.c.name.label("item_name"), items.c.dataset_id).join(items, items.c.id == runs.c.item_id)


def _record(row: Row[Any]) -> RunRecord:
    values = dict(row._mapping)
    for name in _OF_THE_QUEUE:
        del values[name]
    internal = {name: values.pop(name) for name in _INTERNAL}
    return RunRecord(run=Run.model_validate(values), **internal)


async def _one(connection: AsyncConnection, statement: Select[Any]) -> RunRecord | None:
    row = (await connection.execute(statement)).one_or_none()
    return _record(row) if row else None


async def find(connection: AsyncConnection, run_id: RunId) -> RunRecord | None:
    return await _one(connection, _SELECT.where(runs.c.id == run_id))


async def lock(connection: AsyncConnection, run_id: RunId) -> RunRecord | None:
    """The run, which no one else changes before this transaction ends."""
    return await _one(connection, _SELECT.where(runs.c.id == run_id).with_for_update(of=runs))


async def add(connection: AsyncConnection, new: NewRun) -> bool:
    """Queue it; False when it was there already, in whatever state."""
    values = {**asdict(new), "state": RunState.QUEUED.value, "progress": Progress(fraction=0).model_dump(mode="json")}
    statement = upsert(runs).values(values).on_conflict_do_nothing()
    return (await connection.execute(statement.returning(runs.c.id))).one_or_none() is not None


async def change(connection: AsyncConnection, run_id: RunId, **values: Any) -> None:
    """Set columns, and note that something was heard of the run."""
    await connection.execute(update(runs).where(runs.c.id == run_id).values(heard_at=func.now(), **values))


async def remove(connection: AsyncConnection, run_id: RunId) -> None:
    await connection.execute(delete(runs).where(runs.c.id == run_id))


async def any_of_detector(connection: AsyncConnection, item_id: ItemId, detector: Name) -> bool:
    """Whether the item has a run of this detector, of whatever version."""
    statement = select(runs.c.id).where(runs.c.item_id == item_id, runs.c.detector == detector).limit(1)
    return (await connection.execute(statement)).first() is not None


@dataclass(frozen=True)
class RunFilter:
    dataset: Name | None = None
    item_id: ItemId | None = None
    states: tuple[RunState, ...] = ()


async def page(connection: AsyncConnection, wanted: RunFilter, cursor: str | None, limit: int) -> RunPage:
    """Newest first."""
    statement = _SELECT
    if wanted.dataset is not None:
        statement = statement.join(datasets, datasets.c.id == items.c.dataset_id)
        statement = statement.where(datasets.c.name == wanted.dataset)
    if wanted.item_id is not None:
        statement = statement.where(runs.c.item_id == wanted.item_id)
    if wanted.states:
        statement = statement.where(runs.c.state.in_([state.value for state in wanted.states]))
    if cursor:
        created_at, run_id = cursors.decode(cursor, datetime, UUID)
        position = tuple_(created_at, run_id)
        statement = statement.where(tuple_(runs.c.created_at, runs.c.id) < position)
    statement = statement.order_by(runs.c.created_at.desc(), runs.c.id.desc()).limit(limit + 1)
    found = [_record(row).run for row in await connection.execute(statement)]
    last = found[limit - 1] if len(found) > limit else None
    more = cursors.encode(last.created_at, last.id) if last else None
    return RunPage(items=found[:limit], next=more)


async def silent(connection: AsyncConnection, state: RunState, before: datetime, limit: int) -> list[RunRecord]:
    """Runs in `state` of which nothing was heard since `before`; locked, leaving those that others hold. Of queued ones
    only those that a worker should have: the others wait for their turn."""
    waits = and_(runs.c.state == RunState.QUEUED.value, runs.c.placed_on.is_(None))
    statement = (
        _SELECT.where(runs.c.state == state.value, runs.c.heard_at < before, not_(waits))
        .order_by(runs.c.heard_at)
        .limit(limit)
        .with_for_update(of=runs, skip_locked=True)
    )
    return [_record(row) for row in await connection.execute(statement)]
