"""The queue of runs as the tables know it: who waits, who has what, how fast detectors were. Called by background/placer.py
and services/outlook.py."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import case, func, lateral, select, text, true, update
from sqlalchemy.dialects.postgresql import DOUBLE_PRECISION
from sqlalchemy.ext.asyncio import AsyncConnection

from appliance.api.placement.queue import HeldRun, Speeds, Task, WaitingRun
from appliance.api.storage.tables import datasets, detectors, items, runs
from appliance.contracts.base import RunId
from appliance.contracts.run import Progress, RunState

_PLACER_LOCK = 0x5645_4445_5454_4503
_REFUSAL = text("interval '30 seconds'")
_OBSERVED_RUNS = 20
_QUEUED = runs.c.state == RunState.QUEUED.value
_OPEN = runs.c.state.in_([RunState.QUEUED.value, RunState.RUNNING.value])
_TASK = (runs.c.id, runs.c.detector, runs.c.version, runs.c.megapixels, runs.c.memory_bytes, runs.c.gpu)


async def lock(connection: AsyncConnection) -> bool:
    """Whether this transaction is the one that places runs, until it ends."""
    taken = await connection.execute(text("SELECT pg_try_advisory_xact_lock(:key)"), {"key": _PLACER_LOCK})
    return bool(taken.scalar_one())


async def anyone_waits(connection: AsyncConnection) -> bool:
    statement = select(runs.c.id).where(_QUEUED, runs.c.placed_on.is_(None)).limit(1)
    return (await connection.execute(statement)).first() is not None


async def waiting(connection: AsyncConnection) -> list[WaitingRun]:
    """Queued runs that no worker has."""
    refused_by = case((runs.c.refused_at > func.now() - _REFUSAL, runs.c.refused_by), else_=None)
    statement = (
        select(*_TASK, datasets.c.priority, runs.c.queued_at, refused_by.label("refused_by"))
        .join(items, items.c.id == runs.c.item_id)
        .join(datasets, datasets.c.id == items.c.dataset_id)
        .where(_QUEUED, runs.c.placed_on.is_(None))
    )
    rows = await connection.execute(statement)
    return [WaitingRun(Task(*row[:6]), row.priority, row.queued_at, row.refused_by) for row in rows]


async def held(connection: AsyncConnection) -> list[HeldRun]:
    """Runs that some worker has, begun or not."""
    silence = func.extract("epoch", func.now() - runs.c.heard_at).label("silence")
    statement = select(*_TASK, runs.c.placed_on, runs.c.state, runs.c.progress, silence)
    rows = await connection.execute(statement.where(_OPEN, runs.c.placed_on.is_not(None)))
    found = []
    for row in rows:
        progress = Progress.model_validate(row.progress)
        found.append(
            HeldRun(
                Task(*row[:6]),
                row.placed_on,
                started=row.state == RunState.RUNNING.value,
                fraction=progress.fraction,
                told_seconds_left=progress.seconds_left,
                heard_seconds=float(row.silence),
            )
        )
    return found


async def speeds(connection: AsyncConnection) -> Speeds:
    """Over the last runs of each detector that were done in one go."""
    number: DOUBLE_PRECISION[float] = DOUBLE_PRECISION()
    megapixels = runs.c.summary["megapixels"].astext.cast(number)
    seconds = runs.c.summary["seconds"].astext.cast(number)
    names = select(detectors.c.name).where(detectors.c.ready).distinct().subquery()
    last = lateral(
        select(megapixels.label("megapixels"), seconds.label("seconds"))
        .where(runs.c.detector == names.c.name, runs.c.state == RunState.SUCCEEDED.value)
        .where(runs.c.summary["resumed_at_band"].astext == "0")
        .order_by(runs.c.finished_at.desc())
        .limit(_OBSERVED_RUNS)
    )
    statement = (
        select(names.c.name, func.sum(last.c.megapixels) / func.nullif(func.sum(last.c.seconds), 0))
        .select_from(names.join(last, true()))
        .group_by(names.c.name)
    )
    return Speeds({name: speed for name, speed in await connection.execute(statement) if speed})


async def place(connection: AsyncConnection, run_id: RunId, worker_id: UUID) -> bool:
    """False when the run no longer waits."""
    statement = update(runs).where(runs.c.id == run_id, _QUEUED, runs.c.placed_on.is_(None))
    statement = statement.values(placed_on=worker_id, heard_at=func.now())
    return (await connection.execute(statement.returning(runs.c.id))).one_or_none() is not None


async def withdraw(connection: AsyncConnection, worker_id: UUID, lost: bool) -> list[RunId]:
    """Take from a worker that is gone what it had; which runs wait again. `lost`: it ended without a word, which counts
    against the runs that it had begun."""
    counted = case((runs.c.state == RunState.RUNNING.value, 1), else_=0) if lost else 0
    statement = update(runs).where(_OPEN, runs.c.placed_on == worker_id)
    statement = statement.values(
        state=RunState.QUEUED.value,
        placed_on=None,
        workers_lost=runs.c.workers_lost + counted,
        heard_at=func.now(),
    )
    return list((await connection.execute(statement.returning(runs.c.id))).scalars())
