"""Alembic's entry. Run by migrate.py alone, which hands over a connection that holds the migration lock."""

from __future__ import annotations

from alembic import context

from appliance.api.storage.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
