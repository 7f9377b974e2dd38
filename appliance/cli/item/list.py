"""`vedette item list --dataset NAME`."""

from __future__ import annotations

from typing import Annotated

import typer

from appliance.cli import connection, output
from appliance.contracts.item import Item


def command(ctx: typer.Context, dataset: Annotated[str, typer.Option(help="The dataset.")]) -> None:
    """List the items of a dataset; a failed one says why."""
    with connection.of(ctx) as session:
        found = list(session.api.pages(f"/api/datasets/{dataset}/items", Item))
        rows = [(str(i.id), i.name, i.state, output.size(i.size_bytes), _about(i)) for i in found]
        session.output.table(found, ("id", "name", "state", "size", "about"), rows)


def _about(item: Item) -> str:
    if item.reason is not None:
        return str(item.reason)
    if item.scene is None:
        return "-"
    ground = f", {item.scene.gsd_metres:.2f} m/px" if item.scene.gsd_metres else ""
    return f"{item.scene.width} x {item.scene.height}, {len(item.scene.bands)} bands{ground}"
