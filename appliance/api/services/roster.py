"""Which workers live, as this process hears of them. Kept by background/tasks.py; read by the placer and by services.

Silence is counted in seconds in which the messaging server answered: when it was away, or this process stood still,
nothing can be said against a worker.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from uuid import UUID

from appliance.api.placement.queue import HeldRun, Worker
from appliance.clients import cancellation
from appliance.clients.messaging import Messaging
from appliance.contracts.worker import WorkerAnnouncement, WorkerKind

_PRESENT_SECONDS = 15
_GONE_SECONDS = 20
_KEPT_SECONDS = 3600


class Roster:
    """`changed` is called when a worker came, left, or does something else than before."""

    def __init__(self, messaging: Messaging, changed: Callable[[], None]) -> None:
        self._messaging, self._changed = messaging, changed
        self._known: dict[UUID, WorkerAnnouncement] = {}
        self._heard: dict[UUID, int] = {}
        self._left: dict[UUID, int] = {}
        self._now = 0

    async def keep(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._listen())
            tasks.create_task(self._count())

    def hear(self, worker_id: UUID, announcement: WorkerAnnouncement | None) -> None:
        """None: it left in order."""
        before = self._known.pop(worker_id, None)
        if announcement is None:
            self._left[worker_id] = self._now
        else:
            self._known[worker_id] = announcement
            self._heard[worker_id] = self._now
            self._left.pop(worker_id, None)
        if _said(before) != _said(announcement):
            self._changed()

    def present(self) -> list[WorkerAnnouncement]:
        """Detector workers that runs can be placed on."""
        return [
            worker
            for worker in self._known.values()
            if worker.kind is WorkerKind.DETECTOR
            and worker.lane
            and self._now - self._heard[worker.id] <= _PRESENT_SECONDS
        ]

    def workers(self, held: Iterable[HeldRun], drained: Collection[str]) -> list[Worker]:
        """Those that are present, each with the runs that it has."""
        of: dict[UUID, list[HeldRun]] = defaultdict(list)
        for run in held:
            of[run.worker_id].append(run)
        return [Worker(one, one.name in drained, tuple(of[one.id])) for one in self.present()]

    def gone(self, workers: Iterable[UUID]) -> dict[UUID, bool]:
        """Those of these workers that live no more, and whether they ended without a word."""
        found = {}
        for worker_id in set(workers):
            silent = self._now - self._heard.get(worker_id, 0)
            if worker_id in self._left:
                found[worker_id] = False
            elif silent >= _GONE_SECONDS:
                found[worker_id] = True
        return found

    def pass_second(self) -> None:
        """One in which the messaging server answered."""
        self._now += 1
        for worker_id, at in list(self._left.items()):
            if self._now - at > _KEPT_SECONDS:
                del self._left[worker_id]
        for worker_id, at in list(self._heard.items()):
            if self._now - at > _KEPT_SECONDS:
                del self._heard[worker_id]
                self._known.pop(worker_id, None)

    async def _listen(self) -> None:
        async for worker_id, announcement in self._messaging.announcements():
            self.hear(worker_id, announcement)

    async def _count(self) -> None:
        while True:
            cancellation.heed()
            await asyncio.sleep(1)
            if await self._messaging.ready():
                self.pass_second()


def _said(announcement: WorkerAnnouncement | None) -> object:
    """What placement goes by."""
    if announcement is None:
        return None
    return announcement.runs, announcement.detectors, announcement.serves, announcement.lane, announcement.at_once
