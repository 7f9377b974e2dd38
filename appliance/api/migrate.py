"""Bring the database to this version's tables. `python -m appliance.api.migrate`; main.py does it at every start.

Several API processes may start at once: an advisory lock lets one migrate while the others wait and find it done. With
VEDETTE_API_MIGRATE=false, as in the pods of a cluster, main.py waits until another has done it.

A revision that only adds says `expands = True`: code that does not know it works on with the database. What is no longer used is
taken away by a later release, in a revision that does not say so.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

from appliance.clients.settings import DatabaseSettings
from appliance.contracts.errors import Code, VedetteError

_SCRIPTS = Path(__file__).parent / "storage" / "migrations"
_PAUSE_SECONDS = 1.0
_LOCK = 0x5645_4445_5454_4501
"""`VEDETTE` and one byte: the advisory lock of migrations, distinct from those of the background work."""


def configuration() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS))
    config.set_main_option("path_separator", "os")
    return config


def migrate(url: str) -> None:
    """Run every migration that is missing, in one transaction. A database that a newer version has expanded is left alone.

    Raises VedetteError(UNAVAILABLE, retryable) when the server does not answer, VedetteError(CONFLICT) when a newer version
    made of the database what this one cannot work with.
    """
    with _connected(url) as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        config = configuration()
        if _is_newer(connection, config):
            return
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        connection.execute(text("DELETE FROM schema_compatibility"))
        connection.execute(text("INSERT INTO schema_compatibility VALUES (:oldest)"), {"oldest": _oldest_code(config)})


def check(url: str) -> None:
    """Raises VedetteError: UNAVAILABLE (retryable) while the database is older than this version, or does not answer; CONFLICT
    as `migrate` does."""
    with _connected(url) as connection:
        config = configuration()
        if _is_newer(connection, config):
            return
        current, head = _current(connection), ScriptDirectory.from_config(config).get_current_head()
    if current != head:
        found = f"at revision {current}" if current else "without tables"
        raise VedetteError(
            Code.UNAVAILABLE,
            f"The database is {found}, and this version needs revision {head}.",
            "Run `python -m appliance.api.migrate`; the chart does so before an upgrade.",
            retryable=True,
        )


def wait(url: str, seconds: float) -> None:
    """Until somebody has brought the database up to date. Raises what `check` raises when that takes longer."""
    ends = time.monotonic() + seconds
    while True:
        try:
            return check(url)
        except VedetteError as error:
            if not error.reason.retryable or time.monotonic() >= ends:
                raise
        time.sleep(_PAUSE_SECONDS)


@contextmanager
def _connected(url: str) -> Iterator[Connection]:
    engine = create_engine(url, poolclass=NullPool)
    try:
        with engine.begin() as connection:
            yield connection
    except OperationalError as error:
        raise VedetteError(
            Code.UNAVAILABLE, "The database does not answer.", "Check that it is running.", retryable=True
        ) from error
    finally:
        engine.dispose()


def _current(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _is_newer(connection: Connection, config: Config) -> bool:
    """Whether a newer version has migrated it, in a way that this one can work with. Raises VedetteError(CONFLICT) if not."""
    current = _current(connection)
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if current is None or current in known:
        return False
    told = connection.execute(text("SELECT to_regclass('schema_compatibility') IS NOT NULL")).scalar_one()
    oldest = connection.execute(text("SELECT oldest_code FROM schema_compatibility")).scalar() if told else None
    if oldest in known:
        return True
    raise VedetteError(
        Code.CONFLICT,
        f"The database is at revision {current}, which this version does not know.",
        "Start the newer version again, or restore the backup made before the upgrade.",
    )


def _oldest_code(config: Config) -> str:
    """The newest revision that takes away or changes what older code relies on: one that does not say `expands = True`."""
    revisions = ScriptDirectory.from_config(config).walk_revisions()
    return next(each.revision for each in revisions if not getattr(each.module, "expands", False))


def main() -> int:
    try:
        migrate(DatabaseSettings().url.get_secret_value())
    except VedetteError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
