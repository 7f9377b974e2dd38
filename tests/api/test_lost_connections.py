"""Connections that ended unseen, as after a restart of PostgreSQL within a second, in which a pooled one is trusted unasked."""

from __future__ import annotations

import asyncio
import secrets
import uuid

import pytest
from sqlalchemy import text

from appliance.api.storage import tables
from appliance.api.storage.copying import copy_rows
from appliance.contracts.errors import Code, VedetteError
from tests.api.appliance_under_test import Appliance

END_THE_OTHERS = """SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE pid <> pg_backend_pid()
    AND datname = current_database() AND application_name = 'vedette-api'"""


async def lose_connections(api: Appliance) -> None:
    """All but one end: more are open, and were in use just now, than the one that says so."""
    asked = [api.client.get("/api/datasets") for _ in range(4)]
    assert {answer.status_code for answer in await asyncio.gather(*asked)} == {200}
    ((number,),) = await api.sql(END_THE_OTHERS)
    assert number > 0


@pytest.mark.parametrize("path", ["/api/datasets", "/api/runs", "/api/detectors", "/api/workers"])
async def test_lists_survive_them(api: Appliance, path: str) -> None:
    for _ in range(3):
        await lose_connections(api)
        asked = [api.client.get(path) for _ in range(4)]
        assert [answer.status_code for answer in await asyncio.gather(*asked)] == [200] * 4


async def test_a_change_survives_them_and_is_made_once(api: Appliance) -> None:
    names = [f"lost-{secrets.token_hex(4)}" for _ in range(4)]
    await lose_connections(api)
    made = await asyncio.gather(*(api.client.post("/api/datasets", json={"name": name}) for name in names))
    assert [answer.status_code for answer in made] == [201] * 4
    kept = await api.sql("SELECT name FROM datasets WHERE name = ANY(:names)", names=names)
    assert sorted(name for (name,) in kept) == sorted(names)


async def test_a_transaction_that_has_begun_is_not_tried_again(api: Appliance) -> None:
    """Half of it would be missing: the caller is told, and nothing of it stays."""
    name = f"half-{secrets.token_hex(4)}"
    insert = text("INSERT INTO datasets (id, name, title) VALUES (gen_random_uuid(), :name, :name)")

    async def cut_in_the_middle() -> None:
        async with api.database.begin() as connection:
            await connection.execute(insert, {"name": name})
            await api.sql(END_THE_OTHERS)
            await connection.execute(text("SELECT 1"))

    with pytest.raises(VedetteError) as raised:
        await cut_in_the_middle()
    assert raised.value.reason.code is Code.UNAVAILABLE
    assert raised.value.reason.retryable
    assert await api.sql("SELECT 1 FROM datasets WHERE name = :name", name=name) == []


async def test_a_transaction_that_only_copies_is_committed(api: Appliance) -> None:
    name = f"copied-{secrets.token_hex(4)}"
    async with api.database.begin() as connection:
        await copy_rows(connection, tables.datasets, ("id", "name", "title"), [(uuid.uuid4(), name, name)])
    assert len(await api.sql("SELECT 1 FROM datasets WHERE name = :name", name=name)) == 1
