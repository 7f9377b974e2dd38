"""What runs now: written by the supervisor at every change, read by `vedette status`, `down` and the command line."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

import psutil
from pydantic import BaseModel, ConfigDict, ValidationError

from appliance.standalone import lock
from appliance.standalone.layout import DataFolder


class PartState(StrEnum):
    WAITING = "waiting"
    STARTING = "starting"
    READY = "ready"
    UNWELL = "unwell"
    RESTARTING = "restarting"
    FAILED = "failed"
    STOPPING = "stopping"
    STOPPED = "stopped"

    @property
    def running(self) -> bool:
        return self in {PartState.STARTING, PartState.READY, PartState.UNWELL, PartState.STOPPING}


class PartStatus(BaseModel):
    """One part. `unwell`: it runs, and does not answer."""

    model_config = ConfigDict(frozen=True)
    name: str
    state: PartState = PartState.WAITING
    process_id: int | None = None
    ports: tuple[int, ...] = ()
    started_at: datetime | None = None
    restarts: int = 0
    memory_bytes: int | None = None


class Status(BaseModel):
    """The whole. `ready` once every part has been."""

    model_config = ConfigDict(frozen=True)
    data: Path
    url: str
    supervisor: int
    started_at: datetime
    ready: bool = False
    parts: tuple[PartStatus, ...] = ()


def read(data: DataFolder) -> Status | None:
    """The status of a living supervisor with the memory of its parts, None where none lives."""
    if not lock.is_held(data):
        return None
    try:
        found = Status.model_validate_json(data.status.read_bytes())
    except (OSError, ValidationError):  # it has only just taken the lock
        return None
    if not psutil.pid_exists(found.supervisor):
        return None
    return found.model_copy(update={"parts": tuple(_with_memory(part) for part in found.parts)})


def _with_memory(part: PartStatus) -> PartStatus:
    if part.process_id is None or not part.state.running:
        return part
    return part.model_copy(update={"memory_bytes": _memory_bytes(part.process_id)})


def _memory_bytes(process_id: int) -> int | None:
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


def now() -> datetime:
    return datetime.now(UTC)
