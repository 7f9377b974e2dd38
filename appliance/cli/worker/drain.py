"""`vedette worker drain NAME...`."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote

import typer

from appliance.api.views.workers import WorkerDrain
from appliance.cli import connection


def command(ctx: typer.Context, name: Annotated[list[str], typer.Argument(help="Names, from `worker list`.")]) -> None:
    """Let workers finish what they have and give them nothing new, until they are resumed."""
    with connection.of(ctx) as session:
        for each in name:
            done = session.api.post(f"/api/workers/{quote(each, safe='')}/drain", None, WorkerDrain)
            session.output.result(done, f"{done.name} finishes what it has and gets nothing new.")
