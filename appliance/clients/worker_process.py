"""What every worker process does around its work: connect, announce itself, heed signals, leave in order.

Called by the composition roots media/worker.py and inference/worker.py, which bring the work.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from prometheus_client import CollectorRegistry

from appliance.clients import logging, metrics, spans
from appliance.clients.messaging import Messaging
from appliance.clients.objectstore import ObjectStore
from appliance.clients.presence import Presence
from appliance.clients.private_folder import private_folder
from appliance.clients.settings import MessagingSettings, StoreSettings, WorkSettings
from appliance.contracts.errors import VedetteError
from appliance.contracts.worker import WorkerKind


@dataclass(frozen=True)
class Surroundings:
    """What a worker is given: its servers, its settings, a private folder that ends with the process,
    and the registry of what Prometheus is told."""

    messaging: Messaging
    store: ObjectStore
    settings: WorkSettings
    folder: Path
    presence: Presence
    registry: CollectorRegistry


Serve = Callable[[Surroundings], Awaitable[None]]
"""Takes work until cancelled."""


def run(kind: WorkerKind, serve: Serve) -> int:
    """Serve until SIGTERM or SIGINT; the exit code of the process."""
    try:
        asyncio.run(_run(kind, serve))
    except VedetteError as error:
        logging.get().error("cannot work", reason=str(error.reason))
        return 1
    return 0


async def _run(kind: WorkerKind, serve: Serve) -> None:
    settings = WorkSettings()
    name = f"{kind}-worker"
    logging.configure(name, settings.log_format)
    with spans.switched_on(name):
        await _connected(kind, serve, settings)


async def _connected(kind: WorkerKind, serve: Serve, settings: WorkSettings) -> None:
    messaging = await Messaging.connect(MessagingSettings(), f"{kind}-worker")
    try:
        await messaging.ensure_streams()
        presence, registry = Presence(messaging, kind), CollectorRegistry()
        presence.stored = metrics.WorkerMetrics(registry, kind, version("vedette")).heartbeat
        with (
            private_folder(settings.folder / kind) as folder,
            metrics.served(registry, settings.metrics_host, settings.metrics_port),
        ):
            given = Surroundings(messaging, ObjectStore(StoreSettings()), settings, folder, presence, registry)
            serving = asyncio.create_task(_announced(serve, given))
            loop = asyncio.get_running_loop()
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.add_signal_handler(number, serving.cancel)
            logging.get().info("ready")
            with contextlib.suppress(asyncio.CancelledError):
                await serving
        logging.get().info("stopped")
    finally:
        await messaging.close()


async def _announced(serve: Serve, given: Surroundings) -> None:
    async def work() -> None:
        await serve(given)

    try:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(given.presence.keep())
            tasks.create_task(work())
    finally:
        await given.presence.end()
