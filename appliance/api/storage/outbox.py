"""The transactional outbox: messages written with the state they tell of, and published afterwards in that order.

Called by services inside their transactions, and by background/publisher.py.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import delete, insert, select, text
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from appliance.api.storage.database import leaves_work
from appliance.api.storage.tables import outbox, removals
from appliance.clients import tracing
from appliance.contracts.base import Contract
from appliance.contracts.events import Event

CANCEL_RUN = "cancel-run"
FORGET_CANCELLATION = "forget-cancellation"
"""Not subjects of NATS: these rows set and clear the run's entry in the bucket of cancellations, in their turn."""

_PUBLISHER_LOCK = 0x5645_4445_5454_4502


@dataclass(frozen=True)
class Waiting:
    id: int
    subject: str
    message_id: str
    body: dict[str, Any]
    trace_id: str | None = None


async def add(connection: AsyncConnection, subject: str, message: Contract, message_id: str) -> None:
    await add_many(connection, [(subject, message, message_id)])


async def add_many(connection: AsyncConnection, messages: Iterable[tuple[str, Contract, str]]) -> None:
    """They belong to the trace that is bound now."""
    trace_id = tracing.current()
    rows = [
        {"subject": subject, "message_id": message_id, "body": message.model_dump(mode="json"), "trace_id": trace_id}
        for subject, message, message_id in messages
    ]
    if rows:
        await connection.execute(insert(outbox), rows)
        leaves_work(connection)


async def add_event(connection: AsyncConnection, event: Event) -> None:
    await add(connection, f"events.{event.kind.value}", event, f"event/{uuid4()}")


async def add_cancellation(
    connection: AsyncConnection, run_id: UUID, cancelled: bool, attempt: int | None = None
) -> None:
    """`attempt`: the last one that is cancelled, None for whatever attempt."""
    subject = CANCEL_RUN if cancelled else FORGET_CANCELLATION
    body = {} if attempt is None else {"attempt": attempt}
    await connection.execute(insert(outbox).values(subject=subject, message_id=str(run_id), body=body))
    leaves_work(connection)


async def take(connection: AsyncConnection, limit: int) -> list[Waiting]:
    """The oldest messages, for the one publisher that holds the lock until its transaction ends; none for others.

    One at a time, not SKIP LOCKED: the order of messages about one run matters.
    """
    locked = await connection.execute(text("SELECT pg_try_advisory_xact_lock(:key)"), {"key": _PUBLISHER_LOCK})
    if not locked.scalar_one():
        return []
    columns = (outbox.c.id, outbox.c.subject, outbox.c.message_id, outbox.c.body, outbox.c.trace_id)
    rows = await connection.execute(select(*columns).order_by(outbox.c.id).limit(limit))
    return [Waiting(row.id, row.subject, row.message_id, row.body, row.trace_id) for row in rows]


async def holds(connection: AsyncConnection, subject: str, name: str, identifier: UUID) -> bool:
    """Whether a message of this subject still waits, whose field `name` is this identifier."""
    statement = select(outbox.c.id).where(outbox.c.subject == subject, outbox.c.body[name].astext == str(identifier))
    return (await connection.execute(statement.limit(1))).first() is not None


async def remove(connection: AsyncConnection, ids: list[int]) -> None:
    await connection.execute(delete(outbox).where(outbox.c.id.in_(ids)))


async def add_removals(connection: AsyncConnection, prefixes: Iterable[str]) -> None:
    """Ask for everything under these prefixes of the store to be deleted."""
    rows = [{"prefix": prefix} for prefix in prefixes]
    if rows:
        await connection.execute(upsert(removals).on_conflict_do_nothing(), rows)
        leaves_work(connection)


async def take_removal(connection: AsyncConnection) -> str | None:
    """One prefix, locked until the transaction ends."""
    statement = select(removals.c.prefix).order_by(removals.c.created_at).limit(1).with_for_update(skip_locked=True)
    return (await connection.execute(statement)).scalar_one_or_none()


async def remove_removal(connection: AsyncConnection, prefix: str) -> None:
    await connection.execute(delete(removals).where(removals.c.prefix == prefix))
