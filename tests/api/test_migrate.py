"""Migrations: once, whoever starts; and they make exactly the tables the code names."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from appliance.api.migrate import check, configuration, migrate, wait
from appliance.api.storage.tables import metadata
from appliance.contracts.errors import Code, VedetteError


def test_several_processes_migrate_at_once(database_url: str) -> None:
    environment = {**os.environ, "VEDETTE_DATABASE_URL": database_url}
    command = [sys.executable, "-m", "appliance.api.migrate"]
    started = [subprocess.Popen(command, env=environment, stderr=subprocess.PIPE) for _ in range(3)]
    for process in started:
        _, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors.decode()
    engine = create_engine(database_url, poolclass=NullPool)
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM alembic_version")).scalar_one() == 1


def test_the_tables_are_those_the_code_names(database_url: str) -> None:
    migrate(database_url)
    migrate(database_url)
    known = set(metadata.tables)

    def ours(thing: Any, name: str | None, kind: str, reflected: bool, other: Any) -> bool:
        return name in known if kind == "table" else not (kind == "index" and name == "spatial_ref_sys")

    engine = create_engine(database_url, poolclass=NullPool)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"include_object": ours, "compare_type": False})
        assert compare_metadata(context, metadata) == []


def test_runs_that_an_older_version_had_sent_to_its_queue_wait_to_be_placed(database_url: str) -> None:
    engine = create_engine(database_url, poolclass=NullPool)
    with engine.begin() as connection:
        config = configuration()
        config.attributes["connection"] = connection
        command.upgrade(config, "0003")
        for statement in (
            "INSERT INTO datasets (id, name, title) VALUES (gen_random_uuid(), 'old', '')",
            "INSERT INTO items (id, dataset_id, name, state, size_bytes, sha256, scene) SELECT gen_random_uuid(), id, "
            """'a.tif', 'ready', 1, 'x', '{"width": 4000, "height": 2500}' FROM datasets""",
            "INSERT INTO detectors (name, version, digest, manifest, files) VALUES ('crowns', '1.0.0', 'x', '{}', '[]')",
            "INSERT INTO runs (id, item_id, detector, version, state, progress, created_at) SELECT gen_random_uuid(), "
            "id, 'crowns', '1.0.0', 'queued', '{}', now() - interval '1 day' FROM items",
            "INSERT INTO outbox (subject, message_id, body) VALUES ('detect.crowns', 'a', '{}'), ('events.x', 'b', '{}')",
        ):
            connection.execute(text(statement))
    migrate(database_url)
    with engine.connect() as connection:
        assert connection.execute(text("SELECT subject FROM outbox")).all() == [("events.x",)]
        [run] = connection.execute(text("SELECT megapixels, placed_on, queued_at = created_at FROM runs")).all()
        assert tuple(run) == (10.0, None, True)


def test_a_newer_database_is_left_alone(database_url: str) -> None:
    migrate(database_url)
    engine = create_engine(database_url, poolclass=NullPool)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        connection.execute(text("DROP TABLE schema_compatibility"))
    with pytest.raises(VedetteError) as refused:
        migrate(database_url)
    assert refused.value.reason.code is Code.CONFLICT


def test_a_newer_database_that_was_only_expanded_is_worked_with(database_url: str) -> None:
    migrate(database_url)
    engine = create_engine(database_url, poolclass=NullPool)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    migrate(database_url)
    check(database_url)
    with engine.begin() as connection:
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one() == "9999"
        connection.execute(text("UPDATE schema_compatibility SET oldest_code = '9998'"))
    for refusing in (migrate, check):
        with pytest.raises(VedetteError) as refused:
            refusing(database_url)
        assert refused.value.reason.code is Code.CONFLICT


def test_the_oldest_code_is_that_which_knows_the_last_revision_that_took_something_away(database_url: str) -> None:
    migrate(database_url)
    with create_engine(database_url, poolclass=NullPool).connect() as connection:
        assert connection.execute(text("SELECT oldest_code FROM schema_compatibility")).all() == [("0006",)]


def test_a_pod_that_does_not_migrate_waits_for_who_does(database_url: str) -> None:
    with pytest.raises(VedetteError, match="without tables") as refused:
        wait(database_url, 0)
    assert refused.value.reason.retryable
    waiting = threading.Thread(target=wait, args=(database_url, 60))
    waiting.start()
    migrate(database_url)
    waiting.join(60)
    assert not waiting.is_alive()
    check(database_url)


def test_no_server_is_an_error_for_people() -> None:
    with pytest.raises(VedetteError) as refused:
        migrate("postgresql+psycopg://nobody@127.0.0.1:1/none?connect_timeout=2")
    assert (refused.value.reason.code, refused.value.reason.retryable) == (Code.UNAVAILABLE, True)
