"""The state of the whole machine at this moment, for its operator and for Prometheus. Called by routes/status.py.

Every server is asked for at most two seconds; what one does not tell is left out, and readiness says why.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Awaitable
from importlib.metadata import version
from pathlib import Path
from typing import TypeVar
from uuid import UUID

from pydantic import ValidationError

from appliance.api.services.cluster import Cluster
from appliance.api.services.health import HealthChecks
from appliance.api.storage import drains, insight
from appliance.api.storage.database import Database
from appliance.api.storage.insight import Counts
from appliance.api.views.status import DiskView, Failure, OutboxView, QueueView, StatusView, WorkerView
from appliance.clients.messaging import Messaging
from appliance.clients.process_memory import with_memory
from appliance.contracts.base import now
from appliance.contracts.errors import VedetteError
from appliance.contracts.machine import STATUS_FILE, PartStatus, Status
from appliance.contracts.worker import WorkerAnnouncement

T = TypeVar("T")
_PATIENCE_SECONDS = 2.0
_FAILURES = 20


class Machine:
    """`data_folder` is that of `vedette up`, `cluster` that of the pods; None elsewhere."""

    def __init__(
        self,
        database: Database,
        messaging: Messaging,
        health: HealthChecks,
        data_folder: Path | None,
        cluster: Cluster | None = None,
    ) -> None:
        self._database, self._messaging, self._health, self._data = database, messaging, health, data_folder
        self._cluster = cluster

    async def status(self, failures: int = _FAILURES) -> StatusView:
        servers = await self._health.readiness()
        workers, queues, told, parts = await asyncio.gather(
            _in_time(self._messaging.workers(), servers.messaging.answers),
            _in_time(self._queues(), servers.messaging.answers),
            _in_time(self._from_tables(failures), servers.database.answers),
            asyncio.to_thread(self._parts),
        )
        outbox, counted, failed, drained = told or (None, Counts({}, {}), [], set[str]())
        return StatusView(
            version=version("vedette"),
            at=now(),
            servers=servers,
            kubernetes=None if self._cluster is None else self._cluster.state,
            parts=parts,
            workers=_with_parts(await self._named(workers or [], servers.database.answers), parts, drained),
            queues=queues or [],
            outbox=outbox,
            items=counted.items,
            runs=counted.runs,
            disk=_disk(self._data),
            failures=failed,
        )

    async def _queues(self) -> list[QueueView]:
        return [
            QueueView(stream=q.stream, messages=q.messages, in_work=q.in_work, oldest_seconds=q.oldest_seconds)
            for q in await self._messaging.queues()
        ]

    async def _from_tables(self, failures: int) -> tuple[OutboxView, Counts, list[Failure], set[str]]:
        async with self._database.begin() as connection:
            backlog, counted = await insight.backlog(connection), await insight.counts(connection)
            failed = await insight.failures(connection, failures) if failures else []
            return backlog, counted, failed, await drains.names(connection)

    async def _named(self, workers: list[WorkerAnnouncement], database_answers: bool) -> list[WorkerView]:
        busy = [worker.busy_with for worker in workers if worker.busy_with is not None]
        names: dict[UUID, str] = {}
        if busy and database_answers:
            async with self._database.begin() as connection:
                names = await insight.names(connection, busy)
        return [WorkerView(worker=w, working_on=names.get(w.busy_with) if w.busy_with else None) for w in workers]

    def _parts(self) -> list[PartStatus]:
        """As the supervisor wrote them, with the memory that they hold now."""
        if self._data is None:
            return []
        try:
            found = Status.model_validate_json((self._data / STATUS_FILE).read_bytes())
        except (OSError, ValidationError):  # it is just being written for the first time
            return []
        return [with_memory(part) for part in found.parts]


def _with_parts(workers: list[WorkerView], parts: list[PartStatus], drained: set[str]) -> list[WorkerView]:
    held = {part.process_id: part.memory_bytes for part in parts if part.process_id is not None}
    return [
        view.model_copy(update={"held_bytes": held.get(view.worker.process_id), "drained": view.worker.name in drained})
        for view in workers
    ]


def _disk(folder: Path | None) -> DiskView | None:
    if folder is None:
        return None
    usage = shutil.disk_usage(folder)
    return DiskView(path=str(folder), total_bytes=usage.total, free_bytes=usage.free)


async def _in_time(question: Awaitable[T], answers: bool) -> T | None:
    """None when the server does not answer, or no longer."""
    asking = asyncio.ensure_future(question)
    if not answers:
        asking.cancel()
        return None
    done, _ = await asyncio.wait({asking}, timeout=_PATIENCE_SECONDS)
    if not done:
        asking.cancel()
        return None
    try:
        return asking.result()
    except VedetteError:
        return None
