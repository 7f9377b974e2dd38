"""`vedette worker resume NAME...`."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote

import typer

from appliance.api.views.workers import WorkerDrain
from appliance.cli import connection


def command(ctx: typer.Context, name: Annotated[list[str], typer.Argument(help="Names, from `worker list`.")]) -> None:
    """Give drained workers runs again."""
    with connection.of(ctx) as session:
        for each in name:
            done = session.api.post(f"/api/workers/{quote(each, safe='')}/resume", None, WorkerDrain)
            session.output.result(done, f"{done.name} gets runs again.")
