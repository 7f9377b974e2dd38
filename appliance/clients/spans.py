"""Spans of OpenTelemetry, where OTEL_EXPORTER_OTLP_ENDPOINT names a collector; nothing at all elsewhere.

The composition roots switch them on and off; `span` is used wherever work changes hands or takes long. A span belongs to
the trace that is bound (tracing.py): below the present span of that trace, or below the one that a message's headers
name, else it is one of the trace's first.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from appliance.clients import tracing

SWITCH = "OTEL_EXPORTER_OTLP_ENDPOINT"
"""The collector's address, as every program with OpenTelemetry reads it; the other OTEL_* variables count as well."""

_EXPORT_SECONDS = 3.0  # a collector that is away must not hold up the end of a process
_HEADERS = TraceContextTextMapPropagator()

Attributes = Mapping[str, str | int | float | bool]


@contextmanager
def switched_on(component: str) -> Iterator[None]:
    """Until the end of the process; what is still to be told is told before. Does nothing where no collector is named."""
    if not os.environ.get(SWITCH):
        yield
        return
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    from opentelemetry.sdk.trace.id_generator import RandomIdGenerator

    class Bound(RandomIdGenerator):
        """A first span belongs to the trace that is bound."""

        def generate_trace_id(self) -> int:
            bound = tracing.current()
            return int(bound, 16) if bound else super().generate_trace_id()

    about = {
        "service.name": f"vedette-{component}",
        "service.namespace": "vedette",
        "service.version": version("vedette"),
    }
    provider = TracerProvider(resource=Resource.create(about), id_generator=Bound(), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(timeout=_EXPORT_SECONDS)))
    trace.set_tracer_provider(provider)
    try:
        yield
    finally:
        provider.shutdown()


@contextmanager
def span(
    name: str,
    kind: SpanKind = SpanKind.INTERNAL,
    attributes: Attributes | None = None,
    headers: Mapping[str, str] | None = None,
) -> Iterator[Span]:
    """What happens inside, with its length and how it ended. `headers`: those of the message or request it answers.

    Work that belongs to no trace gets no span.
    """
    if tracing.current() is None:
        yield trace.INVALID_SPAN
        return
    parent = _parent(headers)
    with trace.get_tracer("vedette").start_as_current_span(name, parent, kind, attributes) as begun:
        yield begun


def _parent(headers: Mapping[str, str] | None) -> Context | None:
    """None: the present span. An empty context: none, for the present span is of another trace."""
    if headers is not None:
        return _HEADERS.extract(headers, Context())
    return None if tracing.spanned() else Context()
