"""Say every five seconds, and at every change, that a worker lives and what it does. Used by worker_process.py."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from uuid import UUID, uuid4

import psutil

from appliance.clients import cancellation
from appliance.clients.messaging import Messaging
from appliance.contracts.base import Name, now
from appliance.contracts.errors import VedetteError
from appliance.contracts.worker import WorkerAnnouncement, WorkerKind

_ANNOUNCE_SECONDS = 5.0


@dataclass(frozen=True)
class Doing:
    """What a worker does at this moment: an item or a run, and the detectors it keeps loaded."""

    busy_with: UUID | None = None
    detectors: tuple[Name, ...] = ()


class Presence:
    """`doing` is asked at every announcement; whoever changes its answer calls `changed`. `stored` hears of each that was
    stored."""

    def __init__(self, messaging: Messaging, kind: WorkerKind) -> None:
        self.doing: Callable[[], Doing] = Doing
        self.stored: Callable[[], object] = lambda: None
        self._messaging = messaging
        self._kind = kind
        self._id = uuid4()
        self._started_at = now()
        self._changed = asyncio.Event()

    def changed(self) -> None:
        """Announce at once. Called on the event loop."""
        self._changed.set()

    async def keep(self) -> None:
        """Until cancelled. A server that does not answer now is told the next time."""
        while True:
            cancellation.heed()
            self._changed.clear()
            with contextlib.suppress(VedetteError):
                await self._messaging.announce(self.announcement())
                self.stored()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_ANNOUNCE_SECONDS):
                    await self._changed.wait()

    async def end(self) -> None:
        with contextlib.suppress(VedetteError):
            await self._messaging.forget_worker(self._id)

    def announcement(self) -> WorkerAnnouncement:
        doing = self.doing()
        return WorkerAnnouncement(
            id=self._id,
            kind=self._kind,
            version=metadata.version("vedette"),
            host=socket.gethostname(),
            process_id=os.getpid(),
            cpus=len(os.sched_getaffinity(0)),
            memory_bytes=psutil.virtual_memory().total,
            detectors=list(doing.detectors),
            busy_with=doing.busy_with,
            started_at=self._started_at,
            seen_at=now(),
        )
