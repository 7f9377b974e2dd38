"""PostgreSQL with PostGIS: a private cluster that listens on loopback and knows scram-sha-256 only.

The supervisor starts it; `once_ready` gives the API a database of its own and a role that is no superuser.
"""

from __future__ import annotations

import os
import pwd
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import pq, sql

from appliance.contracts.errors import Code, VedetteError
from appliance.standalone import binaries
from appliance.standalone.credentials import Credentials
from appliance.standalone.ports import LOOPBACK
from appliance.standalone.service import Service
from appliance.standalone.sweep import forget_dead_postmaster

SUPERUSER = "postgres"
ROLE = "vedette"
DATABASE = "vedette"

_OPEN_FIRST = ("/bin/sh", "-c", 'exec "$0" "$@" 3<. 4<../')
"""PostgreSQL refuses to run as root and so runs as its own user, who may not walk through a private home. A process may
always reach what it holds open, so the cluster's folder is opened as descriptor 3 before PostgreSQL starts, and its
parent as 4. (The working directory alone is not enough: PostgreSQL 15 leaves it and comes back by its path.)"""
_CLUSTER = "/proc/self/fd/3"
_PARENT = "/proc/self/fd/4"

_SETTINGS: Mapping[str, str] = {
    "listen_addresses": f"'{LOOPBACK}'",
    "unix_socket_directories": "''",
    "password_encryption": "'scram-sha-256'",
    "max_connections": "60",
    "shared_buffers": "128MB",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "effective_cache_size": "1GB",
    "random_page_cost": "1.1",
    "jit": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "timezone": "'UTC'",
    "log_timezone": "'UTC'",
    "log_line_prefix": "'%m [%p] '",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
}
_NOT_DURABLE: Mapping[str, str] = {"fsync": "off", "full_page_writes": "off"}


@dataclass(frozen=True)
class Postgres:
    """One cluster. `durable=False` is for tests alone: it does without fsync."""

    folder: Path
    port: int
    credentials: Credentials
    durable: bool = True

    def url(self, database: str = DATABASE) -> str:
        """A SQLAlchemy URL of the API's own role."""
        password = self.credentials.secret("database")
        return f"postgresql+psycopg://{ROLE}:{password}@{LOOPBACK}:{self.port}/{database}"

    def administrator(self, database: str = SUPERUSER) -> psycopg.Connection:
        """A connection as superuser, in autocommit; for preparing databases only."""
        return psycopg.connect(
            host=LOOPBACK,
            port=self.port,
            user=SUPERUSER,
            password=self.credentials.secret("database-superuser"),
            dbname=database,
            connect_timeout=2,
            autocommit=True,
        )

    @property
    def cluster(self) -> Path:
        return self.folder / "cluster"

    def service(self) -> Service:
        return Service(
            name="postgres",
            command=(*_OPEN_FIRST, str(binaries.postgres_folder() / "postgres"), "-D", _CLUSTER, "-p", str(self.port)),
            folder=self.cluster,
            environment={"LC_ALL": "C.UTF-8", "TZ": "UTC"},
            ready=self._ready,
            alive=self._alive,
            ports=(self.port,),
            user=system_user(),
            prepare=self._prepare,
            once_ready=self._bootstrap,
            stop_signal=signal.SIGINT,  # fast shutdown: disconnects clients, writes a checkpoint
            death_signal=signal.SIGQUIT,  # immediate shutdown: takes its own children along, recovers from the log
        )

    def _alive(self, _: int) -> bool:
        """A server that recovers, or has no connection left, refuses; one that hangs says nothing."""
        said = pq.PGconn.ping(f"host={LOOPBACK} port={self.port} connect_timeout=3".encode())
        return said in {pq.Ping.OK, pq.Ping.REJECT}

    def _ready(self, _: int) -> bool:
        try:
            with self.administrator() as connection:
                connection.execute("SELECT 1")
        except psycopg.Error:
            return False
        return True

    def _prepare(self) -> None:
        """Make the cluster on first use, and write its configuration at every start."""
        if not (self.cluster / "PG_VERSION").exists():
            self._initialise()
        forget_dead_postmaster(self.cluster)
        settings = _SETTINGS if self.durable else {**_SETTINGS, **_NOT_DURABLE}
        lines = "".join(f"{name} = {value}\n" for name, value in settings.items())
        access = f"host all all {LOOPBACK}/32 scram-sha-256\n"
        for name, text in (("postgresql.conf", lines), ("pg_hba.conf", access)):
            path = self.cluster / name
            path.write_text(text)
            _own(path)

    def _initialise(self) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _own(self.folder)
        fresh = self.folder / "unfinished"  # a crash in here leaves no cluster that looks whole
        if fresh.exists():
            _remove_tree(fresh)
        fresh.mkdir(mode=0o700)
        _own(fresh)
        password = self.folder / "password"
        password.touch(mode=0o600)
        _own(password)
        password.write_text(self.credentials.secret("database-superuser"))
        try:
            _initdb(fresh)
        finally:
            password.unlink()
        fresh.rename(self.cluster)

    def _bootstrap(self) -> None:
        """The API's role and database. The password is sent as its scram-sha-256 verifier, never in clear."""
        with self.administrator() as connection:
            verifier = connection.pgconn.encrypt_password(
                self.credentials.secret("database").encode(), ROLE.encode(), b"scram-sha-256"
            ).decode()
            known = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (ROLE,)).fetchone()
            if known is None:
                create = sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}")
                connection.execute(create.format(sql.Identifier(ROLE), sql.Literal(verifier)))
            self.create_database(connection, DATABASE)

    def create_database(self, connection: psycopg.Connection, name: str) -> None:
        """A database with PostGIS, owned by the API's role; nothing when it is there."""
        if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone() is None:
            create = sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(name), sql.Identifier(ROLE))
            connection.execute(create)
        with self.administrator(name) as inside:
            inside.execute("CREATE EXTENSION IF NOT EXISTS postgis")


def system_user() -> str | None:
    """The user PostgreSQL runs as: ourselves, or the `postgres` system user when we are root."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam("postgres").pw_name
    except KeyError:
        raise VedetteError(
            Code.UNAVAILABLE,
            "PostgreSQL does not run as root and this machine has no user `postgres`.",
            "Run `vedette up` as an ordinary user, or add the user: useradd --system postgres",
        ) from None


def _own(path: Path) -> None:
    user = system_user()
    if user is not None:
        entry = pwd.getpwnam(user)
        os.chown(path, entry.pw_uid, entry.pw_gid)


def _initdb(folder: Path) -> None:
    command = [
        *_OPEN_FIRST,
        str(binaries.postgres_folder() / "initdb"),
        f"--pgdata={_CLUSTER}",
        f"--username={SUPERUSER}",
        f"--pwfile={_PARENT}/password",
        "--auth=scram-sha-256",
        "--encoding=UTF8",
        "--locale=C.UTF-8",
        "--data-checksums",
        "--no-sync",
    ]
    answer = subprocess.run(
        command,
        cwd=folder,
        user=system_user(),
        group=system_user(),
        extra_groups=[] if system_user() else None,
        env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "TZ": "UTC"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    if answer.returncode != 0:
        last = (answer.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise VedetteError(
            Code.UNAVAILABLE, f"PostgreSQL could not make its data folder {folder}: {last}", "Check that folder."
        )


def _remove_tree(folder: Path) -> None:
    for path in sorted(folder.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
    folder.rmdir()
