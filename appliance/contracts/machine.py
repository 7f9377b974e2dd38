"""The parts of `vedette up` as they run now. Written by the supervisor, read by the command line and the API."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from pathlib import Path

from pydantic import BaseModel, ConfigDict

STATUS_FILE = "status.json"
"""Below the data folder."""


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
