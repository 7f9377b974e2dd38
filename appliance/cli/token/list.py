"""`vedette token list`."""

from __future__ import annotations

import typer

from appliance.api.views.accounts import TokenView
from appliance.cli import connection


def command(ctx: typer.Context) -> None:
    """List your tokens; their secrets are not kept."""
    with connection.of(ctx) as session:
        found = list(session.api.pages("/api/tokens", TokenView))
        rows = [
            (
                str(t.id),
                t.name,
                f"{t.created_at:%Y-%m-%d %H:%M}",
                f"{t.last_used_at:%Y-%m-%d %H:%M}" if t.last_used_at else "-",
            )
            for t in found
        ]
        session.output.table(found, ("id", "name", "created", "last used"), rows)
