"""The media worker process: `python -m appliance.media.worker`. Started and restarted by `vedette up` or Kubernetes.

Reads VEDETTE_STORE_*, VEDETTE_NATS_*, VEDETTE_WORK_* and VEDETTE_MEDIA_*. Any number may run. SIGTERM hands unfinished
work back to the queue and leaves no file behind.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from uuid import UUID, uuid4

import psutil

from appliance.clients import cancellation, logging
from appliance.clients.messaging import Messaging
from appliance.clients.objectstore import ObjectStore
from appliance.clients.settings import MessagingSettings, StoreSettings, WorkSettings
from appliance.contracts.base import Instant, now
from appliance.contracts.errors import VedetteError
from appliance.contracts.messages import MEDIA_STREAM, MEDIA_SUBJECT
from appliance.contracts.worker import WorkerAnnouncement, WorkerKind
from appliance.media.folders import private_folder
from appliance.media.handler import MediaHandler
from appliance.media.settings import MediaSettings
from appliance.media.spawning import Nursery

DURABLE = "media-workers"
_ANNOUNCE_SECONDS = 5.0


@dataclass
class Presence:
    """Says every five seconds, and at every change, that this worker lives and what it works on."""

    messaging: Messaging
    id: UUID = field(default_factory=uuid4)
    started_at: Instant = field(default_factory=now)
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def keep(self, handler: MediaHandler) -> None:
        while True:
            cancellation.heed()
            self.changed.clear()
            with contextlib.suppress(VedetteError):
                await self.messaging.announce(self._announcement(next(iter(handler.busy), None)))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.changed.wait(), _ANNOUNCE_SECONDS)

    def _announcement(self, busy_with: UUID | None) -> WorkerAnnouncement:
        return WorkerAnnouncement(
            id=self.id,
            kind=WorkerKind.MEDIA,
            version=metadata.version("vedette"),
            host=socket.gethostname(),
            process_id=os.getpid(),
            cpus=len(os.sched_getaffinity(0)),
            memory_bytes=psutil.virtual_memory().total,
            busy_with=busy_with,
            started_at=self.started_at,
            seen_at=now(),
        )


async def serve(messaging: Messaging, store: ObjectStore, work: WorkSettings, folder: Path) -> None:
    """Take work until cancelled."""
    nursery = Nursery()
    presence = Presence(messaging)
    limits = MediaSettings().limits(work.concurrency, work.threads, len(os.sched_getaffinity(0)))
    handler = MediaHandler(messaging, store, folder, limits, nursery, presence.changed.set)
    try:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(presence.keep(handler))
            tasks.create_task(messaging.work(MEDIA_STREAM, MEDIA_SUBJECT, DURABLE, handler, work.concurrency))
    finally:
        await asyncio.to_thread(nursery.close)
        with contextlib.suppress(VedetteError):
            await messaging.forget_worker(presence.id)


async def run() -> None:
    """Build the clients, serve until SIGTERM or SIGINT, and leave in order."""
    work = WorkSettings()
    logging.configure("media-worker", work.log_format)
    messaging = await Messaging.connect(MessagingSettings(), "media-worker")
    try:
        await messaging.ensure_streams()
        with private_folder(work.folder / "media") as folder:
            serving = asyncio.create_task(serve(messaging, ObjectStore(StoreSettings()), work, folder))
            loop = asyncio.get_running_loop()
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.add_signal_handler(number, serving.cancel)
            logging.get().info("ready", folder=str(folder))
            with contextlib.suppress(asyncio.CancelledError):
                await serving
        logging.get().info("stopped")
    finally:
        await messaging.close()


def main() -> None:
    asyncio.run(run())


if __name__ == "__main__":
    main()
