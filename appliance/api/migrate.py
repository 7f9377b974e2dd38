"""Bring the database to this version's tables. `python -m appliance.api.migrate`; main.py does it at every start.

Several API processes may start at once: an advisory lock lets one migrate while the others wait and find it done.
"""

from __future__ import annotations

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


def migrate(url: str) -> None:
    """Run every migration that is missing, in one transaction.

    Raises VedetteError(UNAVAILABLE, retryable) when the server does not answer, VedetteError(CONFLICT) when the database
    was made by a newer version.
    """
    engine = create_engine(url, poolclass=NullPool)
    try:
        with engine.begin() as connection:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
            config = configuration()
            _refuse_newer(connection, config)
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    except OperationalError as error:
        raise VedetteError(
            Code.UNAVAILABLE, "The database does not answer.", "Check that it is running.", retryable=True
        ) from error
    finally:
        engine.dispose()


def _refuse_newer(connection: Connection, config: Config) -> None:
    current = MigrationContext.configure(connection).get_current_revision()
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if current is not None and current not in known:
        raise VedetteError(
            Code.CONFLICT,
            f"The database is at revision {current}, which this version does not know.",
            "Start the newer version again, or restore the backup made before the upgrade.",
        )


def main() -> None:
    migrate(DatabaseSettings().url.get_secret_value())


if __name__ == "__main__":
    main()
