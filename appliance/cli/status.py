"""`vedette status`: what runs on this machine, part by part. Exit code 3 when nothing does."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from appliance.cli import exit_codes
from appliance.cli.output import Output, align, size
from appliance.standalone import status
from appliance.standalone.layout import DataFolder
from appliance.standalone.status import PartStatus

_COLUMNS = ("part", "state", "pid", "port", "uptime", "restarts", "memory")


def command(
    data: Annotated[Path | None, typer.Option(help="Folder that holds everything. [default: $VEDETTE_DATA]")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say what runs of Vedette on this machine."""
    folder, output = DataFolder.of(data), Output(as_json)
    found = status.read(folder)
    if found is None:
        output.result({"data": str(folder.path), "running": False}, f"No Vedette runs on {folder.path}.")
        raise typer.Exit(exit_codes.UNREACHABLE)
    table = align(_COLUMNS, [_row(part) for part in found.parts])
    heading = f"Vedette is {'at' if found.ready else 'starting at'} {found.url}, its data in {found.data}\n"
    output.result({**found.model_dump(mode="json"), "running": True}, heading + table)


def _row(part: PartStatus) -> tuple[str, ...]:
    return (
        part.name,
        part.state.value,
        str(part.process_id or "-"),
        str(part.ports[0]) if part.ports else "-",
        _uptime(part.started_at),
        str(part.restarts),
        size(part.memory_bytes) if part.memory_bytes is not None else "-",
    )


def _uptime(started_at: datetime | None) -> str:
    if started_at is None:
        return "-"
    seconds = int((datetime.now(UTC) - started_at).total_seconds())
    if seconds < 120:
        return f"{seconds} s"
    if seconds < 7200:
        return f"{seconds // 60} min"
    return f"{seconds // 3600} h" if seconds < 172_800 else f"{seconds // 86_400} d"
