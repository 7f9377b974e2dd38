"""The connection pool, and transactions. Made by main.py; services call `begin`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import psycopg
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from appliance.clients import cancellation
from appliance.contracts.errors import Code, VedetteError

_POOL = 10
_OVERFLOW = 10
_POOL_WAIT_SECONDS = 15
_STATEMENT_MILLISECONDS = 120_000
_LEAVES_WORK = "vedette.leaves-work"


def leaves_work(connection: AsyncConnection) -> None:
    """Say that this transaction leaves something for the background: committing it wakes who waits."""
    connection.info[_LEAVES_WORK] = True


class Database:
    """One pool. `begin` raises VedetteError(UNAVAILABLE, retryable) when the server does not answer, and
    VedetteError(INVALID) when a text holds a NUL."""

    def __init__(self, url: str) -> None:
        self._engine = create_async_engine(
            url,
            pool_size=_POOL,
            max_overflow=_OVERFLOW,
            pool_timeout=_POOL_WAIT_SECONDS,
            pool_pre_ping=True,
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
        )
        self._work = asyncio.Event()

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[AsyncConnection]:
        """A transaction: committed at the end, rolled back when the block raises."""
        left = False
        try:
            async with self._engine.begin() as connection:
                try:
                    yield connection
                finally:
                    # The dictionary outlives the transaction: it belongs to the pooled connection.
                    left = bool(connection.info.pop(_LEAVES_WORK, False))
        except (DBAPIError, PoolTimeout, psycopg.OperationalError) as error:
            if _is_unwritable(error):
                raise VedetteError(
                    Code.INVALID, "A text holds a character that nobody can write (NUL).", "Take it out."
                ) from error
            if _is_absence(error):
                raise VedetteError(
                    Code.UNAVAILABLE, "The database does not answer.", "Try again in a moment.", retryable=True
                ) from error
            raise
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
        async with self.begin() as connection:
            await connection.execute(text("SELECT 1"))

    async def close(self) -> None:
        await self._engine.dispose()


def _is_unwritable(error: Exception) -> bool:
    """Whether the driver refused a value before the server saw it: PostgreSQL's text knows no NUL."""
    refused = getattr(error, "orig", error)
    return isinstance(refused, psycopg.DataError) and refused.sqlstate is None


def _is_absence(error: Exception) -> bool:
    """Whether the server, not the statement, is at fault: SQLSTATE classes 08 (connection), 53 (resources), 57P
    (shutdown), 40 (serialisation, deadlock) or none at all."""
    if isinstance(error, PoolTimeout):
        return True
    state = getattr(getattr(error, "orig", error), "sqlstate", None)
    return state is None or state[:2] in {"08", "53", "40"} or state.startswith("57P")
