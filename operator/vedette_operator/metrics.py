"""What Prometheus is told of the operator. Made by main.py; told by controller.py, kube.py and lease.py."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)


class Metrics:
    def __init__(self, registry: CollectorRegistry) -> None:
        self.registry = registry
        ProcessCollector(registry=registry)
        self.reconciles = Counter(
            "vedette_operator_reconciles", "Reconciles, by kind and result.", ["kind", "result"], registry=registry
        )
        self.duration = Histogram(
            "vedette_operator_reconcile_seconds",
            "How long one reconcile took.",
            ["kind"],
            buckets=_SECONDS,
            registry=registry,
        )
        self.reaction = Histogram(
            "vedette_operator_reaction_seconds",
            "From an event of the API server until the children it asked for were applied.",
            ["kind"],
            buckets=_SECONDS,
            registry=registry,
        )
        self.requests = Counter(
            "vedette_operator_api_requests",
            "Requests to the API server, by verb and kind.",
            ["verb", "kind"],
            registry=registry,
        )
        self.leader = Gauge("vedette_operator_leader", "1 where this operator acts.", registry=registry)
        self.depth = Gauge("vedette_operator_queue_depth", "Resources that wait to be looked at.", registry=registry)

    def count_objects(self, count: Callable[[], Mapping[str, int]]) -> None:
        self.registry.register(_Objects(count))


class _Objects(Collector):
    def __init__(self, count: Callable[[], Mapping[str, int]]) -> None:
        self._count = count

    def collect(self) -> Iterator[GaugeMetricFamily]:
        family = GaugeMetricFamily("vedette_operator_objects", "Objects known, by kind.", labels=["kind"])
        for kind, number in self._count().items():
            family.add_metric([kind], number)
        yield family
