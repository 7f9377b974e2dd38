"""`vedette run show RUN`: one run, and how it fares against annotations where there are any."""

from __future__ import annotations

from typing import Annotated

import typer

from appliance.api.views.work import Evaluation
from appliance.cli import connection, parse
from appliance.cli.run.list import about
from appliance.clients.http import ApiClient
from appliance.contracts.errors import Code, VedetteError
from appliance.contracts.run import Run


def command(ctx: typer.Context, run: Annotated[str, typer.Argument(help="Identifier, from `run list`.")]) -> None:
    """Show a run, with precision and recall where its item has annotations."""
    run_id = parse.identifier(run, "a run")
    with connection.of(ctx) as session:
        found = session.api.get(f"/api/runs/{run_id}", Run)
        figures = evaluation(session.api, found)
        session.output.result({"run": found, "evaluation": figures}, _text(found, figures))


def evaluation(api: ApiClient, run: Run) -> Evaluation | None:
    """At the running point; None where the item has no annotations."""
    try:
        return api.get(f"/api/runs/{run.id}/evaluation", Evaluation)
    except VedetteError as error:
        if error.reason.code in (Code.NOT_FOUND, Code.CONFLICT):
            return None
        raise


def _text(run: Run, figures: Evaluation | None) -> str:
    lines = [f"{run.detector} {run.version} on {run.item_name}: {run.state}, {about(run)}"]
    if figures is not None:
        point = figures.point
        lines.append(
            f"precision {point.precision:.3f}, recall {point.recall:.3f}, F1 {point.f1:.3f} at threshold "
            f"{point.threshold:.3f} and IoU {figures.overlap}, against {figures.annotations} annotations"
        )
    lines += [f"note: {note}" for note in (run.summary.notes if run.summary else [])]
    return "\n".join(lines)
