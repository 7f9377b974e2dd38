"""Which Vedette a verb speaks to, and with which token. Used by every verb that connects; adds --url, --data and --json.

The address is --url, or that of the `vedette up` whose data folder is --data. The token is $VEDETTE_TOKEN, or the one
`vedette up` left in its data folder, readable by its owner alone. A token is never an option: other users of the
machine can read a command line.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from appliance.cli.output import Output
from appliance.clients.http import ApiClient
from appliance.contracts.errors import Code, VedetteError
from appliance.standalone import local as local_vedette

_META = "vedette.connection"


def _remember(ctx: typer.Context, param: typer.CallbackParam, value: Any) -> Any:
    ctx.meta.setdefault(_META, {})[param.name] = value
    return value


def options(
    url: Annotated[
        str | None,
        typer.Option(envvar="VEDETTE_URL", help="Address of the API.", expose_value=False, callback=_remember),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(
            envvar="VEDETTE_DATA", help="Data folder of `vedette up`.", expose_value=False, callback=_remember
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON.", expose_value=False, callback=_remember)
    ] = False,
) -> None:
    """The options that lazy.py gives to every verb that connects; their values wait in the context."""


@dataclass(frozen=True)
class Address:
    url: str
    token: str


@dataclass(frozen=True)
class Session:
    """What a verb works with."""

    api: ApiClient
    output: Output


@contextmanager
def of(ctx: typer.Context) -> Iterator[Session]:
    """Open the connection the options ask for. Raises VedetteError(UNAVAILABLE | UNAUTHENTICATED)."""
    given = ctx.meta.get(_META, {})
    address = find(given.get("url"), given.get("data"))
    with ApiClient(address.url, address.token) as api:
        yield Session(api, Output(bool(given.get("as_json"))))


def find(url: str | None, data: Path | None) -> Address:
    """The address and token to use. Without --url, what the standalone data folder says."""
    token = os.environ.get("VEDETTE_TOKEN", "")
    if url and token:
        return Address(url, token)
    local = local_vedette.find(data)
    if url:
        if local is None or local.url.rstrip("/") != url.rstrip("/"):
            raise VedetteError(
                Code.UNAUTHENTICATED,
                f"There is no token for {url}.",
                "Set VEDETTE_TOKEN; `vedette token create` makes one.",
            )
        return Address(local.url, local.token)
    if local is None:
        raise VedetteError(
            Code.UNAVAILABLE,
            "No Vedette runs here.",
            "Start one with `vedette up`, or set VEDETTE_URL and VEDETTE_TOKEN.",
        )
    return Address(local.url, token or local.token)
