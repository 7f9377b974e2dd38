"""`vedette link create [--name NAME]`: a one-time link that signs a person in."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from appliance.api.views.accounts import LinkRequest, LinkView, Role
from appliance.cli import connection, parse


class RoleName(StrEnum):
    ADMINISTRATOR = "administrator"
    ANALYST = "analyst"


def command(
    ctx: typer.Context,
    name: Annotated[str | None, typer.Option(help="Who it is for; default: yourself.")] = None,
    role: Annotated[RoleName, typer.Option(help="For a new person.")] = RoleName.ANALYST,
) -> None:
    """Make a link that signs in whoever opens it first."""
    request = parse.model(LinkRequest, "link", name=name, role=Role(role.value))
    with connection.of(ctx) as session:
        link = session.api.post("/api/links", request, LinkView)
        session.output.note(f"Opens once, until {link.expires_at:%Y-%m-%d %H:%M} UTC.")
        session.output.result(link, link.url)
