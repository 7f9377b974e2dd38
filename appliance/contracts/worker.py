"""What a worker says of itself, in a NATS key-value bucket with a time to live."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import Field, StringConstraints

from appliance.contracts.base import Contract, Instant, Name, Version

WorkerName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$")]
"""What people call a worker: `detector-1` under `vedette up`, else its host and process."""


class ServedDetector(Contract):
    """`version` None: every version."""

    name: Name
    version: Version | None = None


class WorkerKind(StrEnum):
    MEDIA = "media"
    DETECTOR = "detector"


class WorkerAnnouncement(Contract):
    id: UUID = Field(description="Of this process; another after every start.")
    name: WorkerName | None = Field(
        default=None, description="Stays the same from start to start where it was given one."
    )
    kind: WorkerKind
    version: str
    host: str
    process_id: int
    cpus: int
    memory_bytes: int
    available_bytes: int | None = Field(default=None, description="What one run on it could use now, its own included.")
    gpus: list[str] = []
    detectors: list[Name] = Field(default=[], description="Whose models are loaded.")
    serves: list[ServedDetector] = Field(default=[], description="The detectors it takes runs of; none named: any.")
    lane: bool = Field(default=False, description="Whether it takes the runs that are placed on it.")
    at_once: int = Field(default=1, ge=1, description="How many runs it works on at a time.")
    runs: list[UUID] = Field(default=[], description="All it is busy with.")
    busy_with: UUID | None = None
    started_at: Instant
    seen_at: Instant = Field(description="Refreshed with every announcement.")
