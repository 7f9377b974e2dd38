"""`vedette token create NAME`: a token for a program, shown once."""

from __future__ import annotations

from typing import Annotated

import typer

from appliance.api.views.accounts import NewToken, TokenRequest
from appliance.cli import connection, parse


def command(ctx: typer.Context, name: Annotated[str, typer.Argument(help="What it is for.")]) -> None:
    """Make a token. It is shown this once."""
    request = parse.model(TokenRequest, "token", name=name)
    with connection.of(ctx) as session:
        made = session.api.post("/api/tokens", request, NewToken)
        session.output.note("Keep it: it is not shown again. Programs pass it in VEDETTE_TOKEN.")
        session.output.result(made, made.token)
