"""Find and end what an earlier supervisor of the same data folder left running. Only with that folder's lock held."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import psutil

from appliance.standalone.layout import DataFolder

MARK = "VEDETTE_STANDALONE"


def leftovers(data: DataFolder) -> Iterator[psutil.Process]:
    """Processes that carry the folder's mark, and PostgreSQL's: it overwrites its environment with its title."""
    cluster = (data.postgres / "cluster").resolve()
    for process in psutil.process_iter():
        if process.pid == os.getpid():
            continue
        try:
            if process.environ().get(MARK) == data.mark or _is_postgres(process, cluster):
                yield process
        except (psutil.Error, OSError):
            continue


def sweep(data: DataFolder) -> int:
    """End them: politely, then not. How many there were."""
    found = list(leftovers(data))
    for process in found:
        _signal(process, "terminate")
    _, stubborn = psutil.wait_procs(found, timeout=5)
    for process in stubborn:
        _signal(process, "kill")
    psutil.wait_procs(stubborn, timeout=5)
    return len(found)


def forget_dead_postmaster(cluster: Path) -> None:
    """Remove the note of a PostgreSQL that was killed: its number may be another's by now, and the next would not start.

    Raises nothing; leaves the note where any PostgreSQL still lives in that folder.
    """
    note = cluster / "postmaster.pid"
    if note.exists() and not any(_lives_in(process, cluster.resolve()) for process in psutil.process_iter()):
        note.unlink(missing_ok=True)


def _lives_in(process: psutil.Process, cluster: Path) -> bool:
    try:
        return _is_postgres(process, cluster)
    except (psutil.Error, OSError):
        return False


def _is_postgres(process: psutil.Process, cluster: Path) -> bool:
    return Path(process.exe()).name == "postgres" and Path(process.cwd()) == cluster


def _signal(process: psutil.Process, how: str) -> None:
    try:
        getattr(process, how)()
    except psutil.Error:
        return
