"""`vedette run start ITEM... --detector NAME`: run a detector on items. Asking twice is asking once."""

from __future__ import annotations

from typing import Annotated

import typer

from appliance.api.views.work import NewRun
from appliance.cli import connection, exit_codes, parse, progress, waiting
from appliance.cli.run.list import about
from appliance.contracts.run import Run


def command(
    ctx: typer.Context,
    item: Annotated[list[str], typer.Argument(help="Identifiers, or names with --dataset.")],
    detector: Annotated[str, typer.Option(help="NAME, or NAME@VERSION; default: its newest version.")],
    dataset: Annotated[str | None, typer.Option(help="The dataset that holds them.")] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Wait until the runs have ended.")] = False,
    timeout: Annotated[float, typer.Option(help="Seconds to wait at most.", min=1)] = 3600.0,
) -> None:
    """Run a detector on items."""
    name, _, version = detector.partition("@")
    new = parse.model(NewRun, "run", detector=name, version=version or None)
    with connection.of(ctx) as session:
        found = parse.items(session.api, dataset, item)
        runs = [session.api.post(f"/api/items/{each.id}/runs", new, Run) for each in found]
        if wait:
            with progress.on(session.output) as show:
                patience = waiting.Patience(timeout)
                runs = [waiting.for_run(session.api, run.id, patience, show) for run in runs]
        rows = [(str(run.id), run.item_name, run.state, about(run)) for run in runs]
        session.output.table(runs, ("id", "item", "state", "about"), rows)
    reasons = [run.reason for run in runs if wait and run.reason is not None]
    if reasons:
        raise typer.Exit(max(exit_codes.of(reason) for reason in reasons))
