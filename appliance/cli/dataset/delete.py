"""`vedette dataset delete NAME --confirm`."""

from __future__ import annotations

from typing import Annotated

import typer

from appliance.api.views.pages import DatasetView
from appliance.cli import connection
from appliance.contracts.errors import Code, VedetteError


def command(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="The dataset.")],
    confirm: Annotated[bool, typer.Option("--confirm", help="Really delete: there is no way back.")] = False,
) -> None:
    """Delete a dataset with its items, runs, annotations and snapshots."""
    with connection.of(ctx) as session:
        dataset = session.api.get(f"/api/datasets/{name}", DatasetView)
        if not confirm:
            raise VedetteError(
                Code.CONFLICT,
                f"Dataset {name} holds {dataset.items} items.",
                "Say --confirm to delete it with all of them.",
            )
        session.api.send("DELETE", f"/api/datasets/{name}")
        session.output.result({"deleted": name}, f"Dataset {name} is deleted.")
