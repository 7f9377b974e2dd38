"""`vedette run retry RUN...`."""

from __future__ import annotations

from typing import Annotated

import typer

from appliance.cli import connection, parse
from appliance.contracts.run import Run


def command(
    ctx: typer.Context, run: Annotated[list[str], typer.Argument(help="Identifiers, from `run list`.")]
) -> None:
    """Queue failed or cancelled runs again."""
    runs = [parse.identifier(each, "a run") for each in run]
    with connection.of(ctx) as session:
        for run_id in runs:
            now = session.api.post(f"/api/runs/{run_id}/retry", None, Run)
            session.output.result(now, f"{now.id}: {now.state}")
