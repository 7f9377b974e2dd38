"""`vedette dataset change NAME [--priority N] [--title TITLE]`."""

from __future__ import annotations

from typing import Annotated

import typer

from appliance.api.views.pages import ChangeDataset, DatasetView
from appliance.cli import connection, parse


def command(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="The dataset.")],
    priority: Annotated[int | None, typer.Option(help="-10 to 10; runs of a higher one go first, 0 is usual.")] = None,
    title: Annotated[str | None, typer.Option(help="What people call it.")] = None,
) -> None:
    """Change what is named and leave the rest. Needs an administrator."""
    change = parse.model(ChangeDataset, "change", priority=priority, title=title)
    with connection.of(ctx) as session:
        dataset = session.api.patch(f"/api/datasets/{name}", change, DatasetView)
        session.output.result(dataset, f"Dataset {dataset.name} has priority {dataset.priority}.")
