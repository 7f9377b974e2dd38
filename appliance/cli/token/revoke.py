"""`vedette token revoke ID`."""

from __future__ import annotations

from typing import Annotated

import typer

from appliance.cli import connection, parse


def command(ctx: typer.Context, token: Annotated[str, typer.Argument(help="Identifier, from `token list`.")]) -> None:
    """End a token at once."""
    token_id = parse.identifier(token, "a token")
    with connection.of(ctx) as session:
        session.api.send("DELETE", f"/api/tokens/{token_id}")
        session.output.result({"revoked": str(token_id)}, f"Token {token_id} is revoked.")
