"""Bring the database to this version's tables. `python -m appliance.api.migrate`; main.py does it at every start.

Several API processes may start at once: an advisory lock lets one migrate while the others wait and find it done. On a
cluster an init container does it (`--wait`, for the database may come up beside it), and after `helm rollback` finds tables
that know more than it does (`--accept-newer`): they only grow from one version to the next, so the version before works on them.
"""

from __future__ import annotations

import argparse
import sys
import time
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
_LOCK = 0x5645_4445_5454_4501
"""`VEDETTE` and one byte: the advisory lock of migrations, distinct from those of the background work."""


def configuration() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS))
    config.set_main_option("path_separator", "os")
    return config


def migrate(url: str, accept_newer: bool = False) -> None:
    """Run every migration that is missing, in one transaction. A newer version's database is left as it is where `accept_newer`.

    Raises VedetteError(UNAVAILABLE, retryable) when the server does not answer, VedetteError(CONFLICT) when the database
    was made by a newer version.
    """
    engine = create_engine(url, poolclass=NullPool)
    try:
        with engine.begin() as connection:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
            config = configuration()
            newer = _newer(connection, config)
            if newer and accept_newer:
                return
            if newer:
                raise _too_new(newer)
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    except OperationalError as error:
        raise VedetteError(
            Code.UNAVAILABLE, "The database does not answer.", "Check that it is running.", retryable=True
        ) from error
    finally:
        engine.dispose()


def migrate_within(url: str, seconds: float, accept_newer: bool = False) -> None:
    """As `migrate`, and asks again for so long while the server does not answer."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return migrate(url, accept_newer)
        except VedetteError as error:
            if not error.reason.retryable or time.monotonic() >= deadline:
                raise
        time.sleep(min(1.0, max(0.0, deadline - time.monotonic())))


def _newer(connection: Connection, config: Config) -> str | None:
    """The database's revision where this version does not know it."""
    current = MigrationContext.configure(connection).get_current_revision()
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    return None if current in known else current


def _too_new(revision: str) -> VedetteError:
    return VedetteError(
        Code.CONFLICT,
        f"The database is at revision {revision}, which this version does not know.",
        "Start the newer version again, or restore the backup made before the upgrade.",
    )


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m appliance.api.migrate")
    parser.add_argument(
        "--wait", type=float, default=0, metavar="SECONDS", help="how long the database may take to answer"
    )
    parser.add_argument("--accept-newer", action="store_true", help="leave the database of a newer version as it is")
    given = parser.parse_args()
    try:
        migrate_within(DatabaseSettings().url.get_secret_value(), given.wait, given.accept_newer)
    except VedetteError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
