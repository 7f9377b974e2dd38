"""What a worker says of itself, in a NATS key-value bucket with a time to live."""

from __future__ import annotations

from enum import StrEnum
from uuid import UUID

from pydantic import Field

from appliance.contracts.base import Contract, Instant, Name


class WorkerKind(StrEnum):
    MEDIA = "media"
    DETECTOR = "detector"


class WorkerAnnouncement(Contract):
    id: UUID
    kind: WorkerKind
    version: str
    host: str
    process_id: int
    cpus: int
    memory_bytes: int
    gpus: list[str] = []
    detectors: list[Name] = []
    busy_with: UUID | None = None
    started_at: Instant
    seen_at: Instant = Field(description="Refreshed with every announcement.")
