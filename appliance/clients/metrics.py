"""What every worker tells Prometheus of itself, and the port where it does and answers probes. Used by worker_process.py
and by the model cache.

What a worker does is told by its own metrics (inference/worker_metrics.py, media/metrics.py), in the same registry.
"""

from __future__ import annotations

import socket
import socketserver
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import CollectorRegistry, Counter, Gauge, Info, ProcessCollector, make_wsgi_app

from appliance.clients import logging
from appliance.clients.vitals import Vitals

_SILENT_SECONDS = 10.0
"""A connection on which nothing is asked is hung up."""


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
def served(registry: CollectorRegistry, host: str, port: int, vitals: Vitals | None = None) -> Iterator[None]:
    """Answer on http://host:port/metrics for as long as this lasts, with `vitals` on /healthz and /readyz too; port 0: not at all.

    A port that is taken is told in the log: a worker that cannot be watched still works.
    """
    if port == 0:
        yield
        return
    try:
        server = make_server(host, port, _application(registry, vitals), _server_for(host, port), _Handler)
    except OSError as error:
        logging.get().warning("metrics not served", port=port, problem=str(error))
        yield
        return
    thread = threading.Thread(target=server.serve_forever, name="metrics", daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _application(registry: CollectorRegistry, vitals: Vitals | None) -> Callable[[Any, Any], Iterable[bytes]]:
    measured: Callable[[Any, Any], Iterable[bytes]] = make_wsgi_app(registry)
    if vitals is None:
        return measured
    probes = {"/healthz": lambda: vitals.alive, "/readyz": lambda: vitals.ready}

    def application(environment: Any, start_response: Any) -> Iterable[bytes]:
        probe = probes.get(environment["PATH_INFO"])
        if probe is None:
            return measured(environment, start_response)
        well = probe()
        start_response("200 OK" if well else "503 Service Unavailable", [("Content-Type", "text/plain")])
        return [b"ok\n" if well else b"no\n"]

    return application


class _Server(socketserver.ThreadingMixIn, WSGIServer):
    daemon_threads = True

    def server_bind(self) -> None:
        """Without WSGIServer's look-up of the host's name, which may take seconds where no name server answers."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[0], self.server_address[1]  # type: ignore[assignment]
        self.setup_environ()


class _Server6(_Server):
    address_family = socket.AF_INET6


def _server_for(host: str, port: int) -> type[_Server]:
    family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0][0]
    return _Server6 if family is socket.AF_INET6 else _Server


class _Handler(WSGIRequestHandler):
    timeout = _SILENT_SECONDS

    def log_message(self, *_: object) -> None:
        """Nobody needs a line for each probe."""
