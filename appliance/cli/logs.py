"""`vedette logs [PART]`: the last lines of each part's log, and what comes."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from appliance.contracts.errors import Code, VedetteError
from appliance.standalone import log_files
from appliance.standalone.layout import DataFolder

_PAUSE_SECONDS = 0.3


def command(
    part: Annotated[str | None, typer.Argument(help="One part only, as `vedette status` names it.")] = None,
    data: Annotated[Path | None, typer.Option(help="Folder that holds everything. [default: $VEDETTE_DATA]")] = None,
    lines: Annotated[int, typer.Option("--lines", "-n", min=0, help="How many of the last lines.")] = 20,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what comes, until Ctrl-C.")] = False,
) -> None:
    """Show what the parts say."""
    logs = _logs(DataFolder.of(data), part)
    ends = {path: path.stat().st_size for path in logs}
    for path in logs:
        for line in log_files.tail(path, lines):
            print(_prefixed(path, line, many=len(logs) > 1), flush=True)
    while follow:
        time.sleep(_PAUSE_SECONDS)
        for path in logs:
            ends[path] = _more(path, ends[path], many=len(logs) > 1)


def _logs(data: DataFolder, part: str | None) -> list[Path]:
    """Raises VedetteError(NOT_FOUND) when there is no such part."""
    there = sorted(data.logs.glob("*.log"))
    chosen = [path for path in there if part in (None, path.stem)]
    if not chosen:
        names = ", ".join(path.stem for path in there)
        what = f"There is no part '{part}' on {data.path}." if part else f"There are no logs in {data.logs}."
        raise VedetteError(Code.NOT_FOUND, what, f"The parts are {names}." if names else "Start with `vedette up`.")
    return chosen


def _more(path: Path, end: int, *, many: bool) -> int:
    """Print the whole lines written after `end`; where the next time begins."""
    size = path.stat().st_size
    if size < end:  # it was cut
        end = 0
    with path.open("rb") as stream:
        stream.seek(end)
        found = stream.read(size - end)
    whole = found[: found.rfind(b"\n") + 1]
    for line in whole.decode("utf-8", "replace").splitlines():
        print(_prefixed(path, line, many=many), flush=True)
    return end + len(whole)


def _prefixed(path: Path, line: str, *, many: bool) -> str:
    return f"{path.stem:<12} {line}" if many else line
