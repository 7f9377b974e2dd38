"""Real servers on free loopback ports in temporary folders, one of each per test session, stopped by process id.

    postgres         Server; a PostgreSQL 15 cluster with PostGIS
    database_url     a fresh, empty database with PostGIS for this test: postgresql+psycopg://...
    new_database     call it for one more fresh database
    nats_server      MessagingServer: `.settings`; kill() and start() to test reconnecting (start it again!)
    object_store     StoreServer of MinIO where its binary is in the cache, else of SeaweedFS: `.settings`
    minio_store, seaweed_store    the same, of that one
    stack            Stack: the whole appliance by `vedette up --detach`: url, link, token, data, vedette(...)

`.environment` of each holds the VEDETTE_* variables that a process of the appliance wants.
"""

from __future__ import annotations

import secrets
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from psycopg import sql

from appliance.clients.settings import MessagingSettings, StoreSettings
from appliance.standalone import binaries
from appliance.standalone.credentials import Credentials
from appliance.standalone.ports import free_ports
from appliance.standalone.services.minio import Minio
from appliance.standalone.services.nats import Nats
from appliance.standalone.services.postgres import ROLE, Postgres
from appliance.standalone.services.seaweedfs import PORTS, SeaweedFS
from tests.collector import Collector, collecting
from tests.servers import Server, private_environment, running, temporary_folder

pytest_plugins = ("tests.no_skips", "tests.nvml", "tests.cluster.fixtures")

_TEMPLATE = "vedette_template"
_HERE = Path(__file__).parent
_KUBERNETES = {_HERE / "charts", *_HERE.glob("cluster*")}


def pytest_configure() -> None:
    """A shell has what it starts in the background ignore Ctrl-C, and so would every process that a test interrupts."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """What is tested with Kubernetes wants programs that take a while to build: only who names its folder gets it."""
    if collection_path not in _KUBERNETES:
        return None
    named = [Path(config.invocation_params.dir, argument.split("::")[0]).resolve() for argument in config.args]
    return None if any(path.is_relative_to(collection_path) for path in named) else True


@dataclass
class DatabaseServer:
    server: Server
    cluster: Postgres


@dataclass
class MessagingServer:
    server: Server
    settings: MessagingSettings
    environment: dict[str, str]


@dataclass
class StoreServer:
    server: Server
    settings: StoreSettings
    environment: dict[str, str]


@pytest.fixture(scope="session")
def postgres() -> Iterator[DatabaseServer]:
    with temporary_folder() as folder:
        cluster = Postgres(folder / "postgres", free_ports(1)[0], Credentials(folder / "secrets"), durable=False)
        with running(cluster.service(), folder) as server:
            with cluster.administrator() as connection:
                cluster.create_database(connection, _TEMPLATE)
            yield DatabaseServer(server, cluster)


@pytest.fixture(scope="session")
def new_database(postgres: DatabaseServer) -> Callable[[], str]:
    """Each call makes a database; they go with the session's cluster."""

    def create() -> str:
        name = f"test_{secrets.token_hex(6)}"
        with postgres.cluster.administrator() as connection:
            statement = sql.SQL("CREATE DATABASE {} TEMPLATE {} OWNER {} STRATEGY file_copy")
            names = (sql.Identifier(name), sql.Identifier(_TEMPLATE), sql.Identifier(ROLE))
            connection.execute(statement.format(*names))
        return postgres.cluster.url(name)

    return create


@pytest.fixture
def database_url(postgres: DatabaseServer, new_database: Callable[[], str]) -> Iterator[str]:
    url = new_database()
    yield url
    with postgres.cluster.administrator() as connection:
        name = sql.Identifier(url.rsplit("/", 1)[1])
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))


@contextmanager
def messaging_server() -> Iterator[MessagingServer]:
    """A NATS server with empty queues."""
    with temporary_folder() as folder:
        nats = Nats(folder / "nats", free_ports(1)[0], Credentials(folder / "secrets"))
        settings = nats.settings()
        environment = {
            "VEDETTE_NATS_URL": settings.url,
            "VEDETTE_NATS_USER": settings.user,
            "VEDETTE_NATS_PASSWORD": settings.password.get_secret_value(),
        }
        with running(nats.service(), folder) as server:
            yield MessagingServer(server, settings, environment)


@pytest.fixture(scope="session")
def nats_server() -> Iterator[MessagingServer]:
    with messaging_server() as server:
        yield server


@pytest.fixture(scope="session")
def object_store(request: pytest.FixtureRequest) -> StoreServer:
    chosen: StoreServer = request.getfixturevalue("minio_store" if binaries.minio() else "seaweed_store")
    return chosen


@pytest.fixture(scope="session")
def minio_store() -> Iterator[StoreServer]:
    if binaries.minio() is None:
        pytest.skip("MinIO is not in the cache: scripts/build_minio.sh builds it")
    with temporary_folder() as folder:
        store = Minio(folder / "minio", free_ports(1)[0], Credentials(folder / "secrets"))
        with running(store.service(), folder) as server:
            yield _store_server(server, store.settings())


@pytest.fixture(scope="session")
def seaweed_store() -> Iterator[StoreServer]:
    with temporary_folder() as folder:
        store = SeaweedFS(folder / "seaweedfs", tuple(free_ports(PORTS)), Credentials(folder / "secrets"))
        with running(store.service(), folder) as server:
            yield _store_server(server, store.settings())


def _store_server(server: Server, settings: StoreSettings) -> StoreServer:
    environment = {
        "VEDETTE_STORE_ENDPOINT": settings.endpoint,
        "VEDETTE_STORE_ACCESS_KEY": settings.access_key.get_secret_value(),
        "VEDETTE_STORE_SECRET_KEY": settings.secret_key.get_secret_value(),
    }
    return StoreServer(server, settings, environment)


@dataclass(frozen=True)
class Stack:
    """The whole appliance as `vedette up --detach` starts it. `link` signs an administrator in, once."""

    url: str
    link: str
    token: str
    data: Path
    environment: dict[str, str] = field(repr=False)
    spans: Collector
    """What its processes told of their work."""

    def vedette(self, *arguments: str, timeout: float = 120) -> subprocess.CompletedProcess[str]:
        """Run the command line against it."""
        return _vedette(self.environment, *arguments, timeout=timeout)


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """Started once per session on free ports; `make test` builds the page first."""
    with appliance_up({}) as started:
        yield started


@contextmanager
def appliance_up(settings: Mapping[str, str]) -> Iterator[Stack]:
    """The whole appliance, its processes with these environment variables too."""
    with temporary_folder() as folder, collecting() as collector:
        data = folder / "data"
        environment = {**private_environment(), **settings, "VEDETTE_DATA": str(data)}
        environment |= {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "OTEL_BSP_SCHEDULE_DELAY": "500"}
        started = _vedette(environment, "up", "--detach", "--port", str(free_ports(1)[0]), timeout=280)
        try:
            assert started.returncode == 0, started.stderr
            url, link = (line.rsplit(" ", 1)[1] for line in started.stdout.splitlines())
            yield Stack(url, link, (data / "token").read_text(), data, environment, collector)
        finally:
            _vedette(environment, "down", timeout=150)


def _vedette(environment: dict[str, str], *arguments: str, timeout: float) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "appliance.cli.main", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=timeout, check=False)
