"""Requests that said how to know them again, and the sealed answers they got. Called by services/idempotency.py."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, delete, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from appliance.api.storage.tables import idempotency_keys as table


@dataclass(frozen=True)
class Kept:
    """`answer` is None while the request is being answered."""

    fingerprint: bytes
    answer: bytes | None


async def claim(connection: AsyncConnection, principal_id: UUID, key_hash: bytes, fingerprint: bytes) -> bool:
    """True for the one request that is to be answered."""
    statement = upsert(table).values(principal_id=principal_id, key_hash=key_hash, fingerprint=fingerprint)
    made = await connection.execute(statement.on_conflict_do_nothing().returning(table.c.key_hash))
    return made.one_or_none() is not None


async def find(connection: AsyncConnection, principal_id: UUID, key_hash: bytes) -> Kept | None:
    statement = select(table.c.fingerprint, table.c.answer).where(*_is(principal_id, key_hash))
    row = (await connection.execute(statement)).one_or_none()
    return Kept(row.fingerprint, row.answer) if row else None


async def keep(connection: AsyncConnection, principal_id: UUID, key_hash: bytes, answer: bytes) -> None:
    await connection.execute(update(table).where(*_is(principal_id, key_hash)).values(answer=answer))


async def forget(connection: AsyncConnection, principal_id: UUID, key_hash: bytes) -> None:
    await connection.execute(delete(table).where(*_is(principal_id, key_hash)))


async def forget_old(connection: AsyncConnection, answered_before: datetime, begun_before: datetime) -> None:
    """Answers past their time, and requests that were begun and never answered: their process has died."""
    old = table.c.created_at < answered_before
    lost = table.c.answer.is_(None) & (table.c.created_at < begun_before)
    await connection.execute(delete(table).where(old | lost))


def _is(principal_id: UUID, key_hash: bytes) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return (table.c.principal_id == principal_id, table.c.key_hash == key_hash)
