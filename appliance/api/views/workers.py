"""Workers as they are listed."""

from __future__ import annotations

from pydantic import Field

from appliance.contracts.base import Contract
from appliance.contracts.worker import WorkerAnnouncement, WorkerName


class ListedWorker(WorkerAnnouncement):
    """A worker as it announces itself."""

    drained: bool = Field(default=False, description="It finishes what it has and gets nothing new.")


class WorkerPage(Contract):
    items: list[ListedWorker]
    next: str | None = None


class WorkerDrain(Contract):
    name: WorkerName
    drained: bool
