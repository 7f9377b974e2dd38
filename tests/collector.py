"""A collector of OpenTelemetry's spans on a free loopback port, by the protocol's own messages (OTLP over HTTP)."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


@dataclass(frozen=True)
class Told:
    """One span as a process told it; identifiers in hexadecimal, `parent` empty for a first one."""

    service: str
    name: str
    trace: str
    span: str
    parent: str


@dataclass
class Collector:
    url: str = ""
    _told: list[Told] = field(default_factory=list)
    _lock: Lock = field(default_factory=Lock)

    def take(self, body: bytes) -> None:
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            about = {one.key: one.value.string_value for one in resource.resource.attributes}
            found = [
                Told(about["service.name"], one.name, one.trace_id.hex(), one.span_id.hex(), one.parent_span_id.hex())
                for scope in resource.scope_spans
                for one in scope.spans
            ]
            with self._lock:
                self._told += found

    def of(self, trace: str) -> list[Told]:
        with self._lock:
            return [one for one in self._told if one.trace == trace]


@contextmanager
def collecting() -> Iterator[Collector]:
    collector = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            collector.take(gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Not among what the tests print."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    collector.url = f"http://127.0.0.1:{server.server_address[1]}"
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield collector
    finally:
        server.shutdown()
        server.server_close()
