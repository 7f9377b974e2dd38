"""`vedette dataset create NAME`."""

from __future__ import annotations

from typing import Annotated

import typer

from appliance.api.views.pages import DatasetView, NewDataset
from appliance.cli import connection, parse


def command(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="Lower-case letters, digits and -.")],
    title: Annotated[str, typer.Option(help="What people call it.")] = "",
) -> None:
    """Create a dataset. One that is there already is left as it is."""
    new = parse.model(NewDataset, "dataset", name=name, title=title)
    with connection.of(ctx) as session:
        dataset = session.api.post("/api/datasets", new, DatasetView)
        session.output.result(dataset, f"Dataset {dataset.name} is there.")
