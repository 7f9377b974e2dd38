"""Workers that are to take nothing new, by name. Called by services/workers.py, outlook.py and background/placer.py."""

from __future__ import annotations

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from appliance.api.storage.tables import drained_workers
from appliance.contracts.worker import WorkerName


async def names(connection: AsyncConnection) -> set[str]:
    return set((await connection.execute(select(drained_workers.c.name))).scalars())


async def add(connection: AsyncConnection, name: WorkerName, by: str) -> None:
    statement = upsert(drained_workers).values(name=name, drained_by=by).on_conflict_do_nothing()
    await connection.execute(statement)


async def remove(connection: AsyncConnection, name: WorkerName) -> bool:
    """False when it was not drained."""
    statement = delete(drained_workers).where(drained_workers.c.name == name).returning(drained_workers.c.name)
    return (await connection.execute(statement)).one_or_none() is not None
