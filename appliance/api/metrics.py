"""What the API tells Prometheus: how fast its routes answer, and the state of the machine when it is asked.

Made by app.py. Labels are route templates, states and kinds: never an item, a run, or whatever a caller made up.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from appliance.api.views.status import StatusView
from appliance.contracts.item import ItemState
from appliance.contracts.run import RunState
from appliance.contracts.worker import WorkerKind

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_NO_ROUTE = "none"


class ApiMetrics:
    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self._requests = Histogram(
            "vedette_http_request_seconds",
            "Time until a route begins to answer.",
            ("method", "route", "status"),
            buckets=_SECONDS,
            registry=self._registry,
        )

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        method = method if method in _METHODS else "other"
        self._requests.labels(method, route, str(status)).observe(seconds)

    def text(self, status: StatusView) -> bytes:
        """Prometheus' text format, version 0.0.4."""
        now = CollectorRegistry()
        now.register(_Now(status))
        return generate_latest(self._registry) + generate_latest(now)


class Timed:
    """Measures every request from its arrival until its answer begins: an event stream ends only with the browser."""

    def __init__(self, app: ASGIApp, metrics: ApiMetrics) -> None:
        self._app, self._metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()

        async def noting(message: Message) -> None:
            if message["type"] == "http.response.start":
                route = getattr(scope.get("route"), "path", _NO_ROUTE)
                self._metrics.answered(scope["method"], route, message["status"], time.perf_counter() - began)
            await send(message)

        await self._app(scope, receive, noting)


class _Now(Collector):
    """The state of the machine as gauges. Of a server that does not answer, what it would have told is missing."""

    def __init__(self, status: StatusView) -> None:
        self._status = status

    def collect(self) -> Iterator[Metric]:
        yield from _servers(self._status)
        yield from _queues(self._status)
        yield from _workers(self._status)
        if self._status.servers.database.answers:
            yield _by_state("vedette_items", "Items by state.", ItemState, self._status.items)
            yield _by_state("vedette_runs", "Runs by state.", RunState, self._status.runs)
        if self._status.disk is not None:
            yield _gauge(
                "vedette_disk_free_bytes", "Free on the disk of the data folder.", self._status.disk.free_bytes
            )
            yield _gauge("vedette_disk_bytes", "Size of the disk of the data folder.", self._status.disk.total_bytes)


def _gauge(name: str, meaning: str, value: float) -> Metric:
    return GaugeMetricFamily(name, meaning, value=value)


def _servers(status: StatusView) -> Iterator[Metric]:
    up = GaugeMetricFamily("vedette_server_up", "1 for a server that answers.", labels=["server"])
    for name in ("database", "messaging", "store"):
        up.add_metric([name], float(getattr(status.servers, name).answers))
    yield up


def _queues(status: StatusView) -> Iterator[Metric]:
    messages = GaugeMetricFamily("vedette_queue_messages", "Messages not yet done.", labels=["stream"])
    in_work = GaugeMetricFamily("vedette_queue_messages_in_work", "Messages a worker holds.", labels=["stream"])
    oldest = GaugeMetricFamily(
        "vedette_queue_oldest_message_seconds", "Age of the oldest message not yet done.", labels=["stream"]
    )
    for queue in status.queues:
        messages.add_metric([queue.stream], queue.messages)
        in_work.add_metric([queue.stream], queue.in_work)
        oldest.add_metric([queue.stream], queue.oldest_seconds or 0.0)
    yield from (messages, in_work, oldest)
    if status.outbox is not None:
        yield _gauge("vedette_outbox_messages", "Messages that the queue has not taken yet.", status.outbox.messages)
        age = status.outbox.oldest_seconds or 0.0
        yield _gauge("vedette_outbox_oldest_message_seconds", "Age of the oldest of them.", age)


def _workers(status: StatusView) -> Iterator[Metric]:
    number = GaugeMetricFamily("vedette_workers", "Workers that announce themselves.", labels=["kind", "state"])
    silence = GaugeMetricFamily(
        "vedette_worker_heartbeat_age_seconds", "Longest silence of such a worker.", labels=["kind"]
    )
    for kind in WorkerKind:
        found = [one.worker for one in status.workers if one.worker.kind is kind]
        busy = sum(1 for worker in found if worker.busy_with is not None)
        number.add_metric([kind.value, "busy"], busy)
        number.add_metric([kind.value, "free"], len(found) - busy)
        if found:
            silence.add_metric([kind.value], max((status.at - worker.seen_at).total_seconds() for worker in found))
    yield from (number, silence)


def _by_state(name: str, meaning: str, states: type[ItemState] | type[RunState], counted: dict[str, int]) -> Metric:
    family = GaugeMetricFamily(name, meaning, labels=["state"])
    for state in states:
        family.add_metric([state.value], counted.get(state.value, 0))
    return family
