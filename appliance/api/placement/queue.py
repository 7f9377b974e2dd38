"""What placement knows of runs and of workers. Made by storage/queue.py and services/roster.py; plain values."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from appliance.contracts.base import Name, RunId, Version
from appliance.contracts.worker import WorkerAnnouncement


@dataclass(frozen=True)
class Task:
    """What one run asks of a worker. `megapixels` of its scene; `memory_bytes` at most, 0 where that is not known."""

    run_id: RunId
    detector: Name
    version: Version
    megapixels: float
    memory_bytes: int = 0
    gpu: bool = False


@dataclass(frozen=True)
class WaitingRun:
    """A run that no worker has. `refused_by`: a worker that handed it back a moment ago."""

    task: Task
    priority: int
    queued_at: datetime
    refused_by: UUID | None = None


@dataclass(frozen=True)
class HeldRun:
    """A run that is placed on a worker. `heard_seconds` ago its worker said that this `fraction` of it is done and that it
    takes `told_seconds_left` from then."""

    task: Task
    worker_id: UUID
    started: bool
    fraction: float = 0.0
    told_seconds_left: float | None = None
    heard_seconds: float = 0.0


@dataclass(frozen=True)
class Worker:
    """A detector worker that lives. `at_once` runs fit on it; drained ones take nothing new."""

    announced: WorkerAnnouncement
    drained: bool = False
    held: tuple[HeldRun, ...] = ()

    @property
    def id(self) -> UUID:
        return self.announced.id


@dataclass(frozen=True)
class Speeds:
    """Megapixels per second that were observed of each detector's last runs."""

    of: dict[Name, float] = field(default_factory=dict)

    def seconds(self, task: Task) -> float | None:
        """How long the whole run takes; None for a detector of which nothing was observed."""
        speed = self.of.get(task.detector)
        return task.megapixels / speed if speed else None

    def seconds_left(self, run: HeldRun) -> float | None:
        """What is still to do of a run that was placed: as its worker said, else from the detector's speed."""
        whole = self.seconds(run.task)
        left = (
            run.told_seconds_left if run.told_seconds_left is not None or whole is None else whole * (1 - run.fraction)
        )
        if left is None:
            return None
        return max(0.0, left - run.heard_seconds) if run.started else left
