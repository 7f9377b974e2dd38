"""A run: one detector version on one item. Its identifier follows from both, so asking twice is asking once."""

from __future__ import annotations

from enum import StrEnum
from uuid import NAMESPACE_URL, uuid5

from pydantic import Field

from appliance.contracts.base import Contract, Instant, ItemId, Name, RunId, Sha256, Text, Version
from appliance.contracts.detection import RunSummary
from appliance.contracts.errors import Reason
from appliance.contracts.trace import TraceId

_NAMESPACE = uuid5(NAMESPACE_URL, "vedette.io/run")


class RunState(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    INGESTING = "ingesting"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def terminal(self) -> bool:
        return self in {RunState.SUCCEEDED, RunState.FAILED, RunState.CANCELLED}


class Progress(Contract):
    """How far a long piece of work is. `fraction` never falls within one attempt."""

    fraction: float = Field(ge=0, le=1)
    bands_done: int = Field(default=0, ge=0)
    bands_total: int = Field(default=0, ge=0)
    detections: int = Field(default=0, ge=0)
    seconds_left: float | None = Field(default=None, ge=0)


class Waiting(Contract):
    """Of a run that waits for its turn. What cannot be told from what was observed is left out."""

    position: int | None = Field(default=None, ge=1, description="1: next. None while no worker that runs can do it.")
    starts_in_seconds: float | None = Field(default=None, ge=0)
    ends_in_seconds: float | None = Field(default=None, ge=0)
    waits_for: Text = Field(default="", description="What is missing, where no worker that runs can do it.")


class Run(Contract):
    id: RunId
    item_id: ItemId
    item_name: str
    detector: Name
    version: Version
    state: RunState
    progress: Progress
    attempt: int = Field(ge=0)
    created_at: Instant
    started_at: Instant | None = None
    finished_at: Instant | None = None
    summary: RunSummary | None = None
    reason: Reason | None = None
    waiting: Waiting | None = Field(default=None, description="While it is queued.")
    trace_id: TraceId | None = Field(default=None, description="In every log line about the run; its item's.")


def run_id(item_id: ItemId, package_digest: Sha256) -> RunId:
    """The identifier of the run of one model package on one item (UUID version 5, RFC 9562)."""
    return uuid5(_NAMESPACE, f"{item_id}/{package_digest}")
