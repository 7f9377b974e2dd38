"""The connection pool, and transactions. Made by main.py; services call `begin`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any

import psycopg
from sqlalchemy import CursorResult, event, text
from sqlalchemy.exc import DBAPIError, DisconnectionError, InvalidatePoolError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from appliance.clients import cancellation
from appliance.contracts.errors import Code, VedetteError

_POOL = 5
_OVERFLOW = 5
_POOL_WAIT_SECONDS = 15
_STATEMENT_MILLISECONDS = 120_000
_LEAVES_WORK = "vedette.leaves-work"
_GIVEN_BACK = "vedette.given-back"
_FRESH_SECONDS = 1.0
"""A pooled connection that was in use so short a time ago is not asked whether it is still there."""


class _Transaction(AsyncConnection):
    """Tries its first statement once more, on a fresh connection, where the pooled one turns out to have gone.

    Nothing came before that statement, and without its commit nothing came of it: what was lost can be any statement.
    """

    async def execute(self, *args: Any, **kwargs: Any) -> CursorResult[Any]:
        may_try_again = self._may_try_again()
        found: CursorResult[Any]
        try:
            found = await super().execute(*args, **kwargs)
        except DBAPIError as error:
            if not (may_try_again and error.connection_invalidated):
                raise
            await self.rollback()
            found = await super().execute(*args, **kwargs)
        return found

    def _may_try_again(self) -> bool:
        return not self.in_transaction()


class _Looking(_Transaction):
    """Each statement stands alone, and each can be tried once more."""

    def _may_try_again(self) -> bool:
        return True


def leaves_work(connection: AsyncConnection) -> None:
    """Say that this transaction leaves something for the background: committing it wakes who waits."""
    connection.info[_LEAVES_WORK] = True


async def take_your_time(connection: AsyncConnection) -> None:
    """Lift the limit on statements for this transaction: five million rows take longer than any request may."""
    await connection.execute(text("SET LOCAL statement_timeout = 0"))


class Database:
    """Connections to one server. `begin` and `look` raise VedetteError(UNAVAILABLE, retryable) when the server does not
    answer, and VedetteError(INVALID) when a text holds a NUL."""

    def __init__(self, url: str) -> None:
        self._engine = _engine(url)
        self._doubted_at = 0.0
        # Pools of their own: to switch a connection to and fro costs as much as what is looked up.
        self._looking = _engine(url, isolation_level="AUTOCOMMIT", pool_reset_on_return=None)
        for engine in (self._engine, self._looking):
            self._ask_whether_still_there(engine)
        self._work = asyncio.Event()

    @asynccontextmanager
    async def look(self) -> AsyncIterator[AsyncConnection]:
        """Without a transaction: each statement stands alone, and takes one exchange with the server in place of three."""
        with self._translated():
            async with _Looking(self._looking) as connection:
                yield connection

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[AsyncConnection]:
        """A transaction: committed at the end, rolled back when the block raises. It begins with its first statement."""
        left = False
        with self._translated():
            async with _Transaction(self._engine) as connection:
                # The dictionary outlives a transaction, also one that failed: it belongs to the pooled connection.
                connection.info.pop(_LEAVES_WORK, None)
                yield connection
                left = bool(connection.info.pop(_LEAVES_WORK, False))
                await connection.commit()
        if left:
            self.wake()

    def wake(self) -> None:
        """Let the background look: something happened that is in no table."""
        done, self._work = self._work, asyncio.Event()
        done.set()

    def work_to_come(self) -> asyncio.Event:
        """Set when a transaction of this process that leaves work is committed after this call. Ask before looking."""
        return self._work

    async def wait_for(self, work: asyncio.Event, timeout_seconds: float) -> None:
        """Return when the work has come, or after the timeout: another process may have left some."""
        with suppress(TimeoutError):
            await asyncio.wait_for(work.wait(), timeout_seconds)
        cancellation.heed()

    async def check(self) -> None:
        """Raises VedetteError(UNAVAILABLE, retryable) when the server does not answer; hangs while it does."""
        async with self.look() as connection:
            await connection.execute(text("SELECT 1"))

    async def close(self) -> None:
        await self._engine.dispose()
        await self._looking.dispose()

    def _ask_whether_still_there(self, engine: AsyncEngine) -> None:
        """As SQLAlchemy's pre-ping, but only of connections that have rested, or were in use before the server last failed
        to answer: one that went away is noticed before a request is, and a busy one is not asked for every look-up."""

        @event.listens_for(engine.sync_engine, "checkout")
        def ask(driver: Any, record: Any, _: Any) -> None:
            given_back = record.info.get(_GIVEN_BACK, 0.0)
            if given_back > max(self._doubted_at, time.monotonic() - _FRESH_SECONDS):
                return
            try:
                engine.dialect.do_ping(driver)
            except psycopg.Error as error:
                raise InvalidatePoolError from error

        @event.listens_for(engine.sync_engine, "checkin")
        def note(_: Any, record: Any) -> None:
            record.info[_GIVEN_BACK] = time.monotonic()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except (DBAPIError, DisconnectionError, PoolTimeout, psycopg.OperationalError) as error:
            if _is_unwritable(error):
                raise VedetteError(
                    Code.INVALID, "A text holds a character that nobody can write (NUL).", "Take it out."
                ) from error
            if _is_absence(error):
                self._doubted_at = time.monotonic()
                raise VedetteError(
                    Code.UNAVAILABLE, "The database does not answer.", "Try again in a moment.", retryable=True
                ) from error
            raise


def _engine(url: str, **options: Any) -> AsyncEngine:
    return create_async_engine(
        url,
        pool_size=_POOL,
        max_overflow=_OVERFLOW,
        pool_timeout=_POOL_WAIT_SECONDS,
        connect_args={
            "connect_timeout": 5,
            "application_name": "vedette-api",
            # A server behind a cut line sends nothing, not even an end: without these a query waits for ever.
            "keepalives_idle": 10,
            "keepalives_interval": 5,
            "keepalives_count": 3,
            "tcp_user_timeout": 30_000,
            "options": f"-c statement_timeout={_STATEMENT_MILLISECONDS} -c timezone=UTC",
        },
        **options,
    )


def _is_unwritable(error: Exception) -> bool:
    """Whether the driver refused a value before the server saw it: PostgreSQL's text knows no NUL."""
    refused = getattr(error, "orig", error)
    return isinstance(refused, psycopg.DataError) and refused.sqlstate is None


def _is_absence(error: Exception) -> bool:
    """Whether the server, not the statement, is at fault: SQLSTATE classes 08 (connection), 53 (resources), 57P
    (shutdown), 40 (serialisation, deadlock) or none at all."""
    if isinstance(error, PoolTimeout | DisconnectionError):
        return True
    state = getattr(getattr(error, "orig", error), "sqlstate", None)
    return state is None or state[:2] in {"08", "53", "40"} or state.startswith("57P")
