"""What every worker tells Prometheus of itself, and the loopback port where it does. Used by worker_process.py.

What a worker does is told by its own metrics (inference/worker_metrics.py, media/metrics.py), in the same registry.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, Counter, Gauge, Info, ProcessCollector, start_http_server

from appliance.clients import logging


class WorkerMetrics:
    """The heartbeat: how often the worker announced itself, and when it last did."""

    def __init__(self, registry: CollectorRegistry, kind: str, version: str) -> None:
        ProcessCollector(registry=registry)
        Info("vedette_worker", "What this worker is.", registry=registry).info({"kind": kind, "version": version})
        self._beats = Counter("vedette_worker_heartbeats", "Announcements that were stored.", registry=registry)
        self._last = Gauge(
            "vedette_worker_last_heartbeat_timestamp_seconds",
            "When the last announcement was stored, in seconds since 1970.",
            registry=registry,
        )

    def heartbeat(self) -> None:
        self._beats.inc()
        self._last.set_to_current_time()


@contextmanager
def served(registry: CollectorRegistry, host: str, port: int) -> Iterator[None]:
    """Answer on http://host:port/metrics for as long as this lasts; port 0: not at all.

    A port that is taken is told in the log: a worker that cannot be watched still works.
    """
    if port == 0:
        yield
        return
    try:
        server, thread = start_http_server(port, host, registry)
    except OSError as error:
        logging.get().warning("metrics not served", port=port, problem=str(error))
        yield
        return
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
