"""The operator as a process: the one place where its parts are made and put together. `python -m vedette_operator`."""

from __future__ import annotations

import asyncio
import contextlib
import logging as standard
import os
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass
from typing import Any

import kopf
from prometheus_client import CollectorRegistry

from appliance.clients import logging
from appliance.clients.kubernetes import Kubernetes
from appliance.clients.metrics import served
from appliance.clients.objectstore import ObjectStore
from appliance.clients.settings import MessagingSettings, StoreSettings
from appliance.contracts.errors import Code, VedetteError
from vedette_operator import audit, health, lease, observe_detector, observe_training
from vedette_operator.boards import Boards
from vedette_operator.cache import Cache
from vedette_operator.controller import Controller
from vedette_operator.handlers import settings as watching
from vedette_operator.handlers import watch
from vedette_operator.kube import Cluster
from vedette_operator.metrics import Metrics
from vedette_operator.seen import Custom, Key
from vedette_operator.settings import OperatorSettings
from vedette_operator.store import Store
from vedette_operator.tracker import Tracker
from vedette_operator.webhook import server as webhooks
from vedette_operator.webhook.settings import WebhookSettings
from vedette_operator.work_queue import WorkQueue

_STORE_SECONDS = 4.0


@dataclass(frozen=True)
class Operator:
    """All parts, made but not started."""

    settings: OperatorSettings
    messaging: MessagingSettings | None
    client: Kubernetes
    tracker: Tracker
    queue: WorkQueue[Key]
    boards: Boards
    controller: Controller
    lease: lease.Lease
    metrics: Metrics
    health: health.Health
    webhook: webhooks.Webhook | None


def main() -> None:
    settings = OperatorSettings()
    logging.configure("operator", settings.log_format, standard.ERROR)  # kopf tells what it does: ours do
    asyncio.run(run(made(settings)))


def made(settings: OperatorSettings) -> Operator:
    """Asks no server. Raises VedetteError where the settings contradict one another."""
    client = Kubernetes.from_environment("vedette-operator")
    if client.namespace != settings.namespace:  # kopf is told one, and the client reads the other
        message = f"VEDETTE_OPERATOR_NAMESPACE is {settings.namespace}, and our account is of {client.namespace}."
        raise VedetteError(Code.INVALID, message, "Start the operator in the namespace that it is to work in.")
    store = StoreSettings()
    cache, queue, metrics = Cache(), WorkQueue[Key](), Metrics(CollectorRegistry())
    tracker = Tracker(cache, queue)
    boards = Boards(tracker.queue_changed, tracker.trainer_changed)
    looks = Store(ObjectStore(store, _STORE_SECONDS))
    cluster = Cluster(client, Kubernetes.from_environment("vedette-trainingjob"), cache, metrics)
    controller = Controller(
        cluster,
        observe_detector.Observer(client, cache, looks, boards),
        observe_training.Observer(client, cache, looks, boards, store.bucket),
        settings.surroundings,
    )
    held = lease.Lease(client, settings.identity, _leave)
    metrics.leader.set_function(lambda: float(held.held.is_set()))
    metrics.depth.set_function(lambda: float(len(queue)))
    metrics.count_objects(cache.count)
    asked = WebhookSettings()
    webhook = webhooks.made(client, asked, lambda: _staying(cache)) if asked.configuration else None
    messaging = MessagingSettings() if os.environ.get("VEDETTE_NATS_URL") else None
    return Operator(
        settings,
        messaging,
        client,
        tracker,
        queue,
        boards,
        controller,
        held,
        metrics,
        health.Health(held, tracker),
        webhook,
    )


async def run(operator: Operator) -> None:
    """Until SIGTERM or SIGINT; then the Lease is released."""
    settings = operator.settings
    async with contextlib.AsyncExitStack() as stack:
        stack.enter_context(served(operator.metrics.registry, settings.host, settings.metrics_port))
        await stack.enter_async_context(health.served(operator.health, settings.host, settings.health_port))
        await audit.until_done(operator.client, operator.tracker)
        operator.health.watching()
        tasks = [_endless(each) for each in _parts(operator)]
        try:
            await _watch(operator, tasks)
        finally:
            await _ended(tasks)
            await operator.lease.release()
            await operator.client.close()


def _parts(operator: Operator) -> list[Coroutine[Any, Any, None]]:
    """What runs beside kopf."""
    parts = [
        operator.lease.keep(),
        audit.forever(operator.client, operator.tracker),
        _lead(operator),
    ]
    if operator.messaging is not None:
        parts.append(operator.boards.follow(operator.messaging))
    if operator.webhook is not None:
        parts.append(operator.webhook.run())
    return parts


def _staying(cache: Cache) -> list[Mapping[str, Any]]:
    """What a new object is judged against: the resources that are not being deleted."""
    found = (each for kind in ("Detector", "TrainingJob") for each in cache.of_kind(kind))
    return [each.document for each in found if isinstance(each, Custom) and not each.going]


async def _lead(operator: Operator) -> None:
    """A standby keeps its caches warm and does nothing else."""
    await operator.lease.held.wait()
    await operator.queue.run(operator.controller.reconcile, operator.settings.concurrency)


async def _watch(operator: Operator, tasks: list[asyncio.Task[None]]) -> None:
    registry = watch.registry(operator.tracker)

    @kopf.on.cleanup(registry=registry)
    async def leave(**_: Any) -> None:
        await _ended(tasks)  # before kopf waits for whatever runs in the loop

    await kopf.operator(registry=registry, settings=watching.settings(), namespaces=[operator.settings.namespace])


def _endless(part: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
    task = asyncio.create_task(part)
    task.add_done_callback(_stopped)
    return task


def _stopped(task: asyncio.Task[None]) -> None:
    """A part that ends by itself leaves an operator that does half its work: Kubernetes starts it anew."""
    if not task.cancelled():
        logging.get().error("a part has ended", problem=repr(task.exception()))
        os._exit(1)


async def _ended(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _leave() -> None:
    """The Lease is lost: another acts now, so nothing more may be written, not even what is on its way."""
    logging.get().error("lease lost")
    os._exit(1)
