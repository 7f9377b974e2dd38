"""`vedette item retry ITEM...`."""

from __future__ import annotations

from typing import Annotated

import typer

from appliance.cli import connection, parse
from appliance.contracts.item import Item


def command(
    ctx: typer.Context,
    item: Annotated[list[str], typer.Argument(help="Identifiers, or names with --dataset.")],
    dataset: Annotated[str | None, typer.Option(help="The dataset that holds them.")] = None,
) -> None:
    """Normalise failed items once more."""
    with connection.of(ctx) as session:
        for each in parse.items(session.api, dataset, item):
            again = session.api.post(f"/api/items/{each.id}/retry", None, Item)
            session.output.result(again, f"{again.name}: {again.state}")
