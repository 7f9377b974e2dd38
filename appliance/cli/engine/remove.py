"""`vedette engine remove NAME...`."""

from __future__ import annotations

from typing import Annotated

import typer

from appliance.cli.output import Output
from appliance.contracts.errors import Code, VedetteError
from appliance.inference.engines import request


def command(
    name: Annotated[list[str], typer.Argument(help="Names, or how they begin, from `engine list`.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object per engine.")] = False,
) -> None:
    """Remove engines from this machine; they are built again when they are needed."""
    cache = request.cache()
    there = [record.key.name for record in cache.all()]
    chosen = [_one(each, there) for each in name]
    for each in chosen:
        cache.remove(each)
        Output(as_json).result({"name": each, "removed": True}, f"Engine {each[:12]} is removed.")


def _one(beginning: str, there: list[str]) -> str:
    found = [name for name in there if beginning and name.startswith(beginning)]
    if len(found) != 1:
        what = "no engine" if not found else f"{len(found)} engines"
        text = f"'{beginning}' is the beginning of {what} here."
        raise VedetteError(Code.NOT_FOUND, text, "`vedette engine list` shows their names.")
    return found[0]
