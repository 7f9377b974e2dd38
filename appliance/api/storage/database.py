"""The connection pool, and transactions. Made by main.py; services call `begin`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psycopg
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from appliance.contracts.errors import Code, VedetteError

_POOL = 10
_OVERFLOW = 10
_POOL_WAIT_SECONDS = 15
_STATEMENT_MILLISECONDS = 120_000


class Database:
    """One pool. `begin` raises VedetteError(UNAVAILABLE, retryable) when the server does not answer."""

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
                "options": f"-c statement_timeout={_STATEMENT_MILLISECONDS} -c timezone=UTC",
            },
        )
        self._committed = asyncio.Event()

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[AsyncConnection]:
        """A transaction: committed at the end, rolled back when the block raises."""
        try:
            async with self._engine.begin() as connection:
                yield connection
        except (DBAPIError, PoolTimeout, psycopg.OperationalError) as error:
            if _is_absence(error):
                raise VedetteError(
                    Code.UNAVAILABLE, "The database does not answer.", "Try again in a moment.", retryable=True
                ) from error
            raise
        self._committed.set()

    async def wait_for_commit(self, timeout_seconds: float) -> None:
        """Return when this process has committed something, or after the timeout: another may have."""
        try:
            await asyncio.wait_for(self._committed.wait(), timeout_seconds)
        except TimeoutError:
            return
        self._committed.clear()

    async def ready(self) -> bool:
        try:
            async with self.begin() as connection:
                await connection.execute(text("SELECT 1"))
        except VedetteError:
            return False
        return True

    async def close(self) -> None:
        await self._engine.dispose()


def _is_absence(error: Exception) -> bool:
    """Whether the server, not the statement, is at fault: SQLSTATE classes 08 (connection), 53 (resources), 57P
    (shutdown), 40 (serialisation, deadlock) or none at all."""
    if isinstance(error, PoolTimeout):
        return True
    state = getattr(getattr(error, "orig", error), "sqlstate", None)
    return state is None or state[:2] in {"08", "53", "40"} or state.startswith("57P")
