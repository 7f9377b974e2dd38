"""How much memory a process and all below it hold. Used by `vedette status`, by the API and by workers of themselves."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path

import psutil

from appliance.contracts.machine import PartStatus


@dataclass(frozen=True)
class _Version:
    """Where a version of control groups says what a group may use and what it does, with all groups below it."""

    folder: str
    limit: str
    used: str
    inactive: str


_VERSIONS = (
    _Version(".", "memory.max", "memory.current", "inactive_file"),
    _Version("memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
)


def resident_bytes(process_id: int) -> int | None:
    """Resident and not shared with others, of the process and all below it: shared pages would count many times."""
    with contextlib.suppress(psutil.Error):
        process = psutil.Process(process_id)
        total = 0
        for each in [process, *process.children(recursive=True)]:
            with contextlib.suppress(psutil.Error):
                memory = each.memory_info()
                total += memory.rss - memory.shared
        return total
    return None


def available_bytes(limit: int = 0) -> int:
    """What a run in this process could use now: what the machine has left, or the control group this process is in, and what
    the process holds already; at most `limit`, unless that is 0."""
    free = psutil.virtual_memory().available
    group = group_free_bytes()
    found = (free if group is None else min(free, group)) + (resident_bytes(os.getpid()) or 0)
    return min(found, limit) if limit else found


def group_free_bytes(groups: Path = Path("/sys/fs/cgroup")) -> int | None:
    """What is left of the limit of a container (control groups, version 2 or 1); None without one. Cached pages of files
    that are not in use are free: they are given up first."""
    for version in _VERSIONS:
        folder = groups / version.folder
        with contextlib.suppress(OSError, ValueError):
            limit = int((folder / version.limit).read_text())
            stat = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())
            taken = int((folder / version.used).read_text()) - int(stat.get(version.inactive, 0))
            return max(0, limit - taken)
    return None


def with_memory(part: PartStatus) -> PartStatus:
    if part.process_id is None or not part.state.running:
        return part
    return part.model_copy(update={"memory_bytes": resident_bytes(part.process_id)})
