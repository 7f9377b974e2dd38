"""What the Detectors of a cluster say, as the tables know it. Called by services/following.py and queueing.py.

Whoever lets items become ready reads it under a shared lock, whoever changes it takes the lock alone: an item that became
ready before a change is there when the change is acted upon, one after it is routed by what is said now.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, and_, case, delete, func, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from appliance.api.following.said import Followed, Package, Watching
from appliance.api.storage.tables import followed_detectors as followed
from appliance.api.storage.tables import runs
from appliance.contracts.base import ItemId, Name, RunId
from appliance.contracts.messages import DetectorQueue
from appliance.contracts.run import RunState

_LOCK = 0x5645_4445_5454_4504


async def _look(connection: AsyncConnection) -> None:
    await connection.execute(text("SELECT pg_advisory_xact_lock_shared(:key)"), {"key": _LOCK})


async def alone(connection: AsyncConnection) -> None:
    """Until the transaction ends nobody routes items."""
    await connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})


async def every(connection: AsyncConnection) -> list[Followed]:
    """All, to route items by."""
    await _look(connection)
    return [_record(row) for row in await connection.execute(select(followed).order_by(followed.c.name))]


async def find(connection: AsyncConnection, name: Name) -> Followed | None:
    row = (await connection.execute(select(followed).where(followed.c.name == name))).one_or_none()
    return _record(row) if row else None


async def put(connection: AsyncConnection, said: Followed, *, filled: bool, listed: bool) -> None:
    """An older state than the one that is known is left out; `listed`: it is the newest whatever its number says."""
    values = _values(said)
    fresh: dict[str, Any] = {**values, "filled": filled, "filled_to": None}
    if filled:  # what was being filled goes on
        del fresh["filled"], fresh["filled_to"]
    newer = or_(followed.c.resource_version < said.resource_version, followed.c.uid != said.uid)
    statement = (
        upsert(followed)
        .values(**values, filled=filled)
        .on_conflict_do_update(index_elements=["name"], set_=fresh, where=None if listed else newer)
    )
    await connection.execute(statement)


async def remove(connection: AsyncConnection, name: Name, uid: str) -> None:
    await connection.execute(delete(followed).where(followed.c.name == name, followed.c.uid == uid))


async def keep_only(connection: AsyncConnection, names: list[Name]) -> list[Name]:
    """Forget all others; which these were."""
    statement = delete(followed).where(followed.c.name.not_in(names)).returning(followed.c.name)
    return list((await connection.execute(statement)).scalars())


async def fill_again(connection: AsyncConnection, name: Name) -> None:
    await connection.execute(update(followed).where(followed.c.name == name).values(filled=False, filled_to=None))


async def to_fill(connection: AsyncConnection) -> tuple[Followed, ItemId | None] | None:
    """One whose items lack their runs, and up to which item it was seen to; locked, leaving those that others hold."""
    statement = select(followed).where(~followed.c.filled).order_by(followed.c.name).limit(1)
    row = (await connection.execute(statement.with_for_update(skip_locked=True))).one_or_none()
    return (_record(row), row.filled_to) if row else None


async def filled_to(connection: AsyncConnection, name: Name, last: ItemId | None) -> None:
    """`last` None: to the end."""
    values = {"filled": True, "filled_to": None} if last is None else {"filled_to": last}
    await connection.execute(update(followed).where(followed.c.name == name).values(**values))


@dataclass(frozen=True)
class Left:
    """A run that waits for a version that is no longer served."""

    run_id: RunId
    item_id: ItemId
    queued_at: datetime
    begun: bool


async def left(connection: AsyncConnection, name: Name, limit: int) -> list[Left]:
    """Runs that no worker has, of versions that are neither the one that serves nor the canary; locked."""
    served = case(
        (followed.c.canary_version.is_not(None), or_(_is(followed.c.serving_version), _is(followed.c.canary_version))),
        else_=_is(followed.c.serving_version),
    )
    statement = (
        select(runs.c.id, runs.c.item_id, runs.c.queued_at, runs.c.started_at)
        .join(followed, followed.c.name == runs.c.detector)
        .where(followed.c.name == name, followed.c.serving_version.is_not(None), ~served)
        .where(runs.c.state == RunState.QUEUED.value, runs.c.placed_on.is_(None))
        .order_by(runs.c.id)
        .limit(limit)
        .with_for_update(of=runs, skip_locked=True)
    )
    return [Left(r.id, r.item_id, r.queued_at, r.started_at is not None) for r in await connection.execute(statement)]


def _is(version: Any) -> Any:
    return runs.c.version == version


async def queues(connection: AsyncConnection) -> dict[Name, DetectorQueue]:
    """What waits for each, in one statement."""
    queued = runs.c.state == RunState.QUEUED.value
    running = runs.c.state == RunState.RUNNING.value
    statement = (
        select(
            followed.c.name,
            func.coalesce(func.sum(runs.c.megapixels).filter(queued), 0.0),
            func.min(runs.c.queued_at).filter(queued),
            func.count(runs.c.id).filter(running),
        )
        .select_from(followed.outerjoin(runs, and_(runs.c.detector == followed.c.name, or_(queued, running))))
        .group_by(followed.c.name)
    )
    return {
        name: DetectorQueue(pending_megapixels=round(megapixels, 3), oldest_queued_at=oldest, busy=busy)
        for name, megapixels, oldest, busy in await connection.execute(statement)
    }


def _values(said: Followed) -> dict[str, Any]:
    return {
        "name": said.name,
        "uid": said.uid,
        "resource_version": said.resource_version,
        "serving_version": said.serving.version if said.serving else None,
        "serving_digest": said.serving.digest if said.serving else None,
        "canary_version": said.canary.version if said.canary else None,
        "canary_digest": said.canary.digest if said.canary else None,
        "canary_percent": said.canary_percent,
        "subscriptions": [each.model_dump(mode="json") for each in said.subscriptions],
        "suspended": said.suspended,
    }


def _record(row: Row[Any]) -> Followed:
    def package(version: str | None, digest: str | None) -> Package | None:
        return Package(name=row.name, version=version, digest=digest) if version and digest else None

    return Followed(
        name=row.name,
        uid=row.uid,
        resource_version=row.resource_version,
        serving=package(row.serving_version, row.serving_digest),
        canary=package(row.canary_version, row.canary_digest),
        canary_percent=row.canary_percent,
        subscriptions=tuple(Watching.model_validate(each) for each in row.subscriptions),
        suspended=row.suspended,
    )
