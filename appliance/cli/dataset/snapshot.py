"""`vedette dataset snapshot NAME [--item NAME [--window x,y,w,h]...]...`: an immutable version of a dataset."""

from __future__ import annotations

from typing import Annotated

import typer

from appliance.api.views.work import NewSnapshot, SnapshotCreated, SnapshotPart
from appliance.cli import connection, parse
from appliance.contracts.errors import Code, VedetteError
from appliance.contracts.snapshot import PixelWindow


def command(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="The dataset.")],
    item: Annotated[
        list[str] | None, typer.Option(help="Only this item, or NAME@x,y,w,h; repeatable. Default: all.")
    ] = None,
    window: Annotated[
        list[str] | None,
        typer.Option(help="Only this part, x,y,width,height in pixels, of the one --item; repeatable."),
    ] = None,
) -> None:
    """Make a snapshot of items and annotations; the same content gives the same digest."""
    new = NewSnapshot(items=selection(item or [], window or []))
    with connection.of(ctx) as session:
        created = session.api.post(f"/api/datasets/{name}/snapshots", new, SnapshotCreated)
        if not session.output.as_json:
            held = created.manifest
            session.output.note(f"{len(held.items)} items, {held.annotations} annotations of {len(held.labels)} labels")
        session.output.result(created, created.digest)


def selection(items: list[str], windows: list[str]) -> list[SnapshotPart] | None:
    """Windows belong to the one item that is named. Raises VedetteError(INVALID)."""
    if windows and len(items) != 1:
        raise VedetteError(
            Code.INVALID,
            f"--window was given with {len(items)} items.",
            "Name exactly one --item; for several items, `name@x,y,w,h` after --item selects parts of each.",
        )
    parts: dict[str, list[PixelWindow]] = {}
    for text in items:
        name, _, inline = text.partition("@")
        held = parts.setdefault(name, [])
        if inline:
            held.append(_window(inline))
    if windows:
        parts[items[0].partition("@")[0]].extend(_window(text) for text in windows)
    return [SnapshotPart(name=name, windows=held) for name, held in parts.items()] or None


def _window(text: str) -> PixelWindow:
    fields = text.split(",")
    if len(fields) != 4 or not all(field.strip().isdigit() for field in fields):
        raise VedetteError(Code.INVALID, f"'{text}' is no window.", "Write x,y,width,height in whole pixels.")
    x, y, width, height = (int(field) for field in fields)
    return parse.model(PixelWindow, "window", x=x, y=y, width=width, height=height)
