"""Which trace the present work belongs to: in every log line, and in the headers of what is sent. Knows no contract.

A context variable, so that tasks and `asyncio.to_thread` inherit it. The spans inside a trace are made by spans.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

import structlog
from opentelemetry import trace

from appliance.contracts.trace import HEADER, TraceId, trace_id_of, traceparent

_current: ContextVar[TraceId | None] = ContextVar("vedette_trace", default=None)
_LOGGED_AS = "trace_id"


def current() -> TraceId | None:
    return _current.get()


@contextmanager
def bound(trace_id: TraceId | None) -> Iterator[None]:
    """What happens inside belongs to this trace; None leaves things as they are."""
    if trace_id is None:
        yield
        return
    token = _current.set(trace_id)
    logged = structlog.contextvars.bind_contextvars(**{_LOGGED_AS: trace_id})
    try:
        yield
    finally:
        structlog.contextvars.reset_contextvars(**logged)
        _current.reset(token)


def join(trace_id: TraceId | None) -> None:
    """As `bound`, to the end of the present task: for a request that turns out to be about earlier work."""
    if trace_id is not None:
        trace.get_current_span().set_attribute("vedette.joined_trace_id", trace_id)  # a span cannot change its trace
        _current.set(trace_id)
        structlog.contextvars.bind_contextvars(**{_LOGGED_AS: trace_id})


def headers() -> dict[str, str]:
    """What tells the next hop; empty where nothing is traced."""
    trace_id = current()
    if trace_id is None:
        return {}
    parent = trace.get_current_span().get_span_context().span_id if spanned() else None
    return {HEADER: traceparent(trace_id, parent)}


def spanned() -> bool:
    """Whether the present span is one of the present trace."""
    about = trace.get_current_span().get_span_context()
    return about.is_valid and f"{about.trace_id:032x}" == current()


def received(headers: Mapping[str, str] | None) -> TraceId | None:
    """The trace that a message says it belongs to."""
    return trace_id_of((headers or {}).get(HEADER))
