"""Each server starts for real, wants credentials, and listens on loopback only."""

from __future__ import annotations

import contextlib
from pathlib import Path

import psutil
import psycopg
import pytest

from appliance.standalone.binaries import MINIO_VERSION
from tests.conftest import DatabaseServer, MessagingServer, StoreServer


def _listeners(pid: int) -> set[str]:
    found: set[str] = set()
    for process in [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]:
        with contextlib.suppress(psutil.NoSuchProcess):  # a database session that has just ended
            found |= {c.laddr.ip for c in process.net_connections("inet") if c.status == psutil.CONN_LISTEN}
    return found


@pytest.mark.parametrize("fixture", ["postgres", "nats_server", "minio_store", "seaweed_store"])
def test_listens_on_loopback_only(fixture: str, request: pytest.FixtureRequest) -> None:
    addresses = _listeners(request.getfixturevalue(fixture).server.pid)
    assert "127.0.0.1" in addresses
    assert addresses <= {"127.0.0.1", "::1"}


@pytest.mark.parametrize("fixture", ["postgres", "nats_server", "minio_store", "seaweed_store"])
def test_no_secret_in_the_command_line(fixture: str, request: pytest.FixtureRequest) -> None:
    server = request.getfixturevalue(fixture).server
    arguments = " ".join(psutil.Process(server.pid).cmdline())
    secrets = [path.read_text() for path in (server.folder / "secrets").iterdir()]
    assert secrets
    assert not [secret for secret in secrets if secret in arguments]
    assert not [secret for secret in secrets if secret in server.log]


def test_a_fresh_database_has_postgis(database_url: str) -> None:
    with psycopg.connect(database_url.replace("+psycopg", "")) as connection:
        row = connection.execute("SELECT ST_AsText(ST_Point(1, 2)), current_user").fetchone()
        assert row == ("POINT(1 2)", "vedette")
        superuser = connection.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").fetchone()
        assert superuser == (False,)
        connection.execute("CREATE TABLE mine (id int)")


def test_postgres_refuses_a_wrong_password(postgres: DatabaseServer) -> None:
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(
            host="127.0.0.1", port=postgres.cluster.port, user="postgres", password="postgres", dbname="postgres"
        )


def test_nats_settings(nats_server: MessagingServer) -> None:
    assert nats_server.settings.url.startswith("nats://127.0.0.1:")


def test_object_store_settings(object_store: StoreServer) -> None:
    assert object_store.settings.endpoint.startswith("http://127.0.0.1:")


def test_the_minio_version_is_the_pinned_one() -> None:
    pinned = (Path(__file__).parents[2] / "tools/minio/go.mod").read_text()
    assert f"require github.com/minio/minio v{MINIO_VERSION}\n" in pinned
