"""`vedette dataset list`."""

from __future__ import annotations

import typer

from appliance.api.views.pages import DatasetView
from appliance.cli import connection


def command(ctx: typer.Context) -> None:
    """List the datasets."""
    with connection.of(ctx) as session:
        found = list(session.api.pages("/api/datasets", DatasetView))
        rows = [(d.name, str(d.items), str(d.priority), f"{d.created_at:%Y-%m-%d %H:%M}", d.title) for d in found]
        session.output.table(found, ("name", "items", "priority", "created", "title"), rows)
