"""`vedette run list [--dataset NAME] [--state STATE]`."""

from __future__ import annotations

from typing import Annotated

import typer

from appliance.cli import connection
from appliance.contracts.run import Run, RunState, Waiting


def command(
    ctx: typer.Context,
    dataset: Annotated[str | None, typer.Option(help="Only of this dataset.")] = None,
    state: Annotated[RunState | None, typer.Option(help="Only in this state.")] = None,
) -> None:
    """List runs, newest first."""
    with connection.of(ctx) as session:
        found = list(session.api.pages("/api/runs", Run, {"dataset": dataset, "state": state}))
        rows = [(str(r.id), r.item_name, f"{r.detector} {r.version}", r.state, about(r)) for r in found]
        session.output.table(found, ("id", "item", "detector", "state", "about"), rows)


def about(run: Run) -> str:
    """The one thing worth knowing of a run in its state."""
    if run.reason is not None:
        return str(run.reason)
    if run.summary is not None:
        return f"{run.summary.detections} detections, {run.summary.megapixels:.1f} Mpx in {run.summary.seconds:.1f} s"
    if run.waiting is not None:
        return in_line(run.waiting)
    return f"{run.progress.fraction:.0%}"


def in_line(waiting: Waiting) -> str:
    """`no worker of crowns is running`, or `3 in line, starts in about 40 s`."""
    if waiting.waits_for:
        return waiting.waits_for
    place = "next in line" if waiting.position == 1 else f"{waiting.position} in line"
    starts = waiting.starts_in_seconds
    return place if starts is None else f"{place}, starts in about {starts:.0f} s"
