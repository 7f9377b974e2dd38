"""What every worker process does around its work: connect, announce itself, heed signals, leave in order.

Called by the composition roots media/worker.py and inference/worker.py, which bring the work.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from prometheus_client import CollectorRegistry
from pydantic import TypeAdapter, ValidationError

from appliance.clients import logging, metrics, spans
from appliance.clients.messaging import Messaging
from appliance.clients.objectstore import ObjectStore
from appliance.clients.outage import store_answers
from appliance.clients.presence import Abilities, Presence
from appliance.clients.private_folder import private_folder
from appliance.clients.settings import MessagingSettings, StoreSettings, WorkSettings
from appliance.clients.vitals import Vitals
from appliance.contracts.errors import Code, VedetteError
from appliance.contracts.worker import ServedDetector, WorkerKind, WorkerName


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


_NAME: TypeAdapter[str] = TypeAdapter(WorkerName)

Serve = Callable[[Surroundings], Awaitable[None]]
"""Takes work until cancelled."""


def run(kind: WorkerKind, serve: Serve, gpus: Sequence[str] = ()) -> int:
    """Serve until SIGTERM or SIGINT; the exit code of the process. `gpus`: those that it can compute on."""
    code = 0
    try:
        asyncio.run(_run(kind, serve, gpus))
    except* VedetteError as problems:
        for error in _each(problems):
            logging.get().error("cannot work", reason=str(error.reason))
        code = 1
    return code


def _each(problems: BaseExceptionGroup[VedetteError]) -> Iterator[VedetteError]:
    """Tasks that fail end in groups of groups."""
    for problem in problems.exceptions:
        if isinstance(problem, BaseExceptionGroup):
            yield from _each(problem)
        else:
            yield problem


async def _run(kind: WorkerKind, serve: Serve, gpus: Sequence[str]) -> None:
    settings = WorkSettings()
    abilities = _abilities(settings, gpus)
    name = f"{kind}-worker"
    logging.configure(name, settings.log_format)
    with spans.switched_on(name):
        await _connected(kind, serve, settings, abilities)


async def _connected(kind: WorkerKind, serve: Serve, settings: WorkSettings, abilities: Abilities) -> None:
    """Probes are answered from the start: a worker that waits for its servers is alive, and not ready."""
    registry, vitals = CollectorRegistry(), Vitals()
    told = metrics.WorkerMetrics(registry, kind, version("vedette"))
    with metrics.served(registry, settings.metrics_host, settings.metrics_port, vitals):
        beating = asyncio.create_task(vitals.beat())
        try:
            await _working(kind, serve, settings, abilities, Told(registry, vitals, told))
        finally:
            beating.cancel()


@dataclass(frozen=True)
class Told:
    """Who hears of the worker's announcements."""

    registry: CollectorRegistry
    vitals: Vitals
    metrics: metrics.WorkerMetrics

    def stored(self) -> None:
        self.vitals.stored()
        self.metrics.heartbeat()


async def _working(kind: WorkerKind, serve: Serve, settings: WorkSettings, abilities: Abilities, told: Told) -> None:
    store = ObjectStore(StoreSettings())
    messaging = await Messaging.connect(MessagingSettings(), f"{kind}-worker")
    try:
        await messaging.ensure_streams()
        await store_answers(store)
        presence = Presence(messaging, kind, abilities)
        presence.stored = told.stored
        with private_folder(settings.folder / kind) as folder:
            given = Surroundings(messaging, store, settings, folder, presence, told.registry)
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


def _abilities(settings: WorkSettings, gpus: Sequence[str]) -> Abilities:
    """Raises VedetteError(INVALID) when a name or a detector is not one."""
    try:
        return Abilities(
            name=_NAME.validate_python(settings.name or f"{socket.gethostname()}-{os.getpid()}"),
            serves=tuple(_served(words) for words in settings.detectors.replace(",", " ").split()),
            gpus=tuple(gpus),
            at_once=settings.concurrency,
            memory_bytes=settings.memory_bytes,
        )
    except ValidationError as error:
        message = f"{error.errors()[0]['input']!r} names no worker or detector."
        remedy = "VEDETTE_WORK_NAME is one word; VEDETTE_WORK_DETECTORS is like `crowns boats/1.2.0`."
        raise VedetteError(Code.INVALID, message, remedy) from error


def _served(words: str) -> ServedDetector:
    name, _, version = words.partition("/")
    return ServedDetector(name=name, version=version or None)


async def _announced(serve: Serve, given: Surroundings) -> None:
    async def work() -> None:
        await serve(given)

    try:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(given.presence.keep())
            tasks.create_task(work())
    finally:
        await given.presence.end()
