"""What the operator of the machine is shown: answers of routes/status.py."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from pydantic import Field

from appliance.api.views.work import Readiness, ServerState
from appliance.contracts.base import Contract, Instant, Name
from appliance.contracts.errors import Reason
from appliance.contracts.machine import PartStatus
from appliance.contracts.trace import TraceId
from appliance.contracts.worker import WorkerAnnouncement


class QueueView(Contract):
    """`messages` are not yet done, waiting or in work; the oldest of them is `oldest_seconds` old."""

    stream: str
    messages: int
    in_work: int
    oldest_seconds: float | None = None


class OutboxView(Contract):
    """Messages that the database holds and the queue has not taken yet."""

    messages: int
    oldest_seconds: float | None = None


class DiskView(Contract):
    """The disk of the data folder."""

    path: str
    total_bytes: int
    free_bytes: int


class WorkerView(Contract):
    """`working_on` names what it is busy with; `held_bytes` is its memory, known where the worker is one of `parts`."""

    worker: WorkerAnnouncement
    working_on: str | None = None
    held_bytes: int | None = None
    drained: bool = False


class Failure(Contract):
    """An item that could not be normalised, or a run that did not end well."""

    kind: Literal["item", "run"]
    id: UUID
    name: str
    dataset: Name
    detector: Name | None = None
    reason: Reason | None = None
    at: Instant
    trace_id: TraceId | None = None


class StatusView(Contract):
    """`parts` and `disk` are known where the API runs under `vedette up`. Of a server that does not answer, `servers`
    says why, and what it would have told is missing."""

    version: str
    at: Instant
    servers: Readiness
    kubernetes: ServerState | None = Field(
        default=None, description="On a cluster: whether its API server answers. The API goes on without."
    )
    parts: list[PartStatus] = []
    workers: list[WorkerView] = []
    queues: list[QueueView] = []
    outbox: OutboxView | None = None
    items: dict[str, int] = Field(default={}, description="How many there are in each state.")
    runs: dict[str, int] = Field(default={}, description="How many there are in each state.")
    disk: DiskView | None = None
    failures: list[Failure] = []
