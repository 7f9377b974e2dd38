"""The detector worker process: `python -m appliance.inference.worker`. Started and restarted by `vedette up` or Kubernetes.

Reads VEDETTE_STORE_*, VEDETTE_NATS_* and VEDETTE_WORK_*. Any number may run; each takes one run at a time unless
VEDETTE_WORK_CONCURRENCY says otherwise. SIGTERM hands the work back; finished bands are kept for whoever takes it next.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import sys
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from threading import Event
from uuid import UUID, uuid4

import psutil

from appliance.clients import cancellation, logging
from appliance.clients.messaging import Messaging
from appliance.clients.objectstore import ObjectStore
from appliance.clients.settings import MessagingSettings, StoreSettings, WorkSettings
from appliance.contracts.base import Instant, now
from appliance.contracts.errors import VedetteError
from appliance.contracts.messages import DETECT_STREAM, DETECT_SUBJECTS
from appliance.contracts.worker import WorkerAnnouncement, WorkerKind
from appliance.formats.model_package import ModelPackage
from appliance.inference.backends.base import Backend
from appliance.inference.backends.onnxruntime import OnnxRuntimeBackend
from appliance.inference.options import PredictOptions
from appliance.inference.worker_backends import WarmBackends
from appliance.inference.worker_packages import PackageCache
from appliance.inference.worker_run import RunHandler, Tools

DURABLE = "detector-workers"
_ANNOUNCE_SECONDS = 5.0
_PAUSE_SECONDS = 1.0


@dataclass
class Presence:
    """Says every five seconds, and at every change, that this worker lives and what it does."""

    messaging: Messaging
    backends: WarmBackends
    id: UUID = field(default_factory=uuid4)
    started_at: Instant = field(default_factory=now)
    busy: dict[UUID, Event] = field(default_factory=dict)
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def announcement(self) -> WorkerAnnouncement:
        return WorkerAnnouncement(
            id=self.id,
            kind=WorkerKind.DETECTOR,
            version=metadata.version("vedette"),
            host=socket.gethostname(),
            process_id=os.getpid(),
            cpus=len(os.sched_getaffinity(0)),
            memory_bytes=psutil.virtual_memory().total,
            detectors=self.backends.detectors(),
            busy_with=next(iter(self.busy), None),
            started_at=self.started_at,
            seen_at=now(),
        )

    async def keep(self) -> None:
        while True:
            cancellation.heed()
            self.changed.clear()
            with contextlib.suppress(VedetteError):
                await self.messaging.announce(self.announcement())
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_ANNOUNCE_SECONDS):
                    await self.changed.wait()


async def serve(messaging: Messaging, store: ObjectStore, settings: WorkSettings) -> None:
    """Take work until cancelled."""
    backends = WarmBackends(lambda package: _load(package, settings.threads))
    presence = Presence(messaging, backends)
    handler = RunHandler(
        Tools(
            name=f"{socket.gethostname()}/{os.getpid()}",
            messaging=messaging,
            store=store,
            packages=PackageCache(settings.folder / "packages", store),
            backends=backends,
            folder=_private_folder(settings.folder / "runs"),
            options=PredictOptions(decode_threads=settings.threads),
            changed=presence.changed.set,
        ),
        presence.busy,
    )
    try:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(presence.keep())
            tasks.create_task(_heed_cancellations(messaging, handler))
            tasks.create_task(messaging.work(DETECT_STREAM, DETECT_SUBJECTS, DURABLE, handler, settings.concurrency))
    finally:
        with contextlib.suppress(VedetteError):
            await messaging.forget_worker(presence.id)
        backends.close()


async def _heed_cancellations(messaging: Messaging, handler: RunHandler) -> None:
    """The bucket is watched for ever; every watch begins with all that was cancelled so far, so none is missed."""
    while True:
        cancellation.heed()
        try:
            async for run_id in messaging.cancellations():
                handler.cancel(run_id)
        except VedetteError as error:
            logging.get().warning("cancellations not heard", reason=str(error.reason))
        await asyncio.sleep(_PAUSE_SECONDS)


def _load(package: ModelPackage, threads: int) -> Backend:
    return OnnxRuntimeBackend(package.model_path, package.manifest, threads=threads)


def _private_folder(parent: Path) -> Path:
    """A folder for this process's unfinished files; those of processes that are gone are removed."""
    parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    for left in parent.iterdir():
        if left.name.isdigit() and (int(left.name) == os.getpid() or not psutil.pid_exists(int(left.name))):
            shutil.rmtree(left, ignore_errors=True)
    folder = parent / str(os.getpid())
    folder.mkdir(mode=0o700)
    return folder


async def run() -> None:
    """Build the clients, serve until SIGTERM or SIGINT, and leave in order."""
    settings = WorkSettings()
    logging.configure("detector-worker", settings.log_format)
    messaging = await Messaging.connect(MessagingSettings(), "detector-worker")
    try:
        await messaging.ensure_streams()
        serving = asyncio.create_task(serve(messaging, ObjectStore(StoreSettings()), settings))
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, serving.cancel)
        logging.get().info("ready")
        with contextlib.suppress(asyncio.CancelledError):
            await serving
        logging.get().info("stopped")
    finally:
        await messaging.close()


def main() -> int:
    try:
        asyncio.run(run())
    except VedetteError as error:
        logging.get().error("cannot work", reason=str(error.reason))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
