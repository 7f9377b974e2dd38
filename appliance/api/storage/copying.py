"""COPY: many rows into a table at the speed of the wire, within the caller's transaction."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from typing import Any

import psycopg
from psycopg import sql
from sqlalchemy import Table
from sqlalchemy.ext.asyncio import AsyncConnection


async def copy_rows(
    connection: AsyncConnection, table: Table, columns: tuple[str, ...], rows: Iterable[tuple[Any, ...]]
) -> None:
    """Geometry columns take hexadecimal EWKB. Raises what the database raises on a value that does not fit."""
    driver = await _driver(connection)
    async with driver.cursor() as cursor, cursor.copy(_statement(table, columns)) as copy:
        for row in rows:
            await copy.write_row(row)


async def copy_blocks(
    connection: AsyncConnection, table: Table, columns: tuple[str, ...], blocks: AsyncIterator[bytes]
) -> None:
    """PostgreSQL's binary COPY format, as it comes. Raises what the database raises on a value that does not fit."""
    driver = await _driver(connection)
    statement = _statement(table, columns) + sql.SQL(" (FORMAT binary)")
    async with driver.cursor() as cursor, cursor.copy(statement) as copy:
        async for block in blocks:
            await copy.write(block)


async def _driver(connection: AsyncConnection) -> psycopg.AsyncConnection[Any]:
    if not connection.in_transaction():
        await connection.begin()  # what goes past SQLAlchemy begins none there, and would not be committed
    raw = await connection.get_raw_connection()
    driver = raw.driver_connection
    if not isinstance(driver, psycopg.AsyncConnection):
        raise TypeError(f"COPY needs psycopg, not {type(driver)}")
    return driver


def _statement(table: Table, columns: tuple[str, ...]) -> sql.Composed:
    return sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(table.name), sql.SQL(", ").join(sql.Identifier(column) for column in columns)
    )
