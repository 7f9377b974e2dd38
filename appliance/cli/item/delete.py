"""`vedette item delete ITEM... --confirm`."""

from __future__ import annotations

from typing import Annotated

import typer

from appliance.cli import connection, parse
from appliance.contracts.errors import Code, VedetteError


def command(
    ctx: typer.Context,
    item: Annotated[list[str], typer.Argument(help="Identifiers, or names with --dataset.")],
    dataset: Annotated[str | None, typer.Option(help="The dataset that holds them.")] = None,
    confirm: Annotated[bool, typer.Option("--confirm", help="Really delete: there is no way back.")] = False,
) -> None:
    """Delete items with their runs, annotations and files; refused while a snapshot holds one."""
    with connection.of(ctx) as session:
        found = parse.items(session.api, dataset, item)
        if not confirm:
            names = ", ".join(each.name for each in found)
            raise VedetteError(Code.CONFLICT, f"This would delete {names}.", "Say --confirm to delete.")
        for each in found:
            session.api.send("DELETE", f"/api/items/{each.id}")
            session.output.result({"deleted": str(each.id)}, f"{each.name}: deleted")
