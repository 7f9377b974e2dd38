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
from appliance.clients.process_memory import available_bytes
from appliance.contracts.base import Name, now
from appliance.contracts.errors import VedetteError
from appliance.contracts.worker import ServedDetector, WorkerAnnouncement, WorkerKind, WorkerName

_ANNOUNCE_SECONDS = 5.0


@dataclass(frozen=True)
class Doing:
    """What a worker does at this moment: the items or runs it is at, and the detectors it keeps loaded."""

    busy_with: tuple[UUID, ...] = ()
    detectors: tuple[Name, ...] = ()


@dataclass(frozen=True)
class Abilities:
    """What a worker can do as long as it lives. `memory_bytes`: the most that a run may use, 0: what the machine has."""

    name: WorkerName
    serves: tuple[ServedDetector, ...] = ()
    gpus: tuple[str, ...] = ()
    at_once: int = 1
    memory_bytes: int = 0


class Presence:
    """`doing` is asked at every announcement; whoever changes its answer calls `changed`. `stored` hears of each that was
    stored."""

    def __init__(self, messaging: Messaging, kind: WorkerKind, abilities: Abilities | None = None) -> None:
        self.id = uuid4()
        self.abilities = abilities or Abilities(f"{socket.gethostname()}-{os.getpid()}")
        self.doing: Callable[[], Doing] = Doing
        self.stored: Callable[[], object] = lambda: None
        self._messaging = messaging
        self._kind = kind
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
            await self._messaging.forget_worker(self.id)

    def announcement(self) -> WorkerAnnouncement:
        doing, can = self.doing(), self.abilities
        return WorkerAnnouncement(
            id=self.id,
            name=can.name,
            kind=self._kind,
            version=metadata.version("vedette"),
            host=socket.gethostname(),
            process_id=os.getpid(),
            cpus=len(os.sched_getaffinity(0)),
            memory_bytes=psutil.virtual_memory().total,
            available_bytes=available_bytes(can.memory_bytes),
            gpus=list(can.gpus),
            detectors=list(doing.detectors),
            serves=list(can.serves),
            lane=self._kind is WorkerKind.DETECTOR,
            at_once=can.at_once,
            runs=list(doing.busy_with),
            busy_with=next(iter(doing.busy_with), None),
            started_at=self._started_at,
            seen_at=now(),
        )
