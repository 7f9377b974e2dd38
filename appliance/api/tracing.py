"""Every request belongs to a trace: the caller's, by its `traceparent`, else a new one. The outermost gate of app.py.

Pure ASGI, so that streams stay streams. Knows no route: services join the trace of the work that a request is about.
"""

from __future__ import annotations

from opentelemetry.trace import SpanKind
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from appliance.clients import spans, tracing
from appliance.contracts.trace import HEADER, new_trace_id, trace_id_of

_SPANNED = "/api/"
"""Probes, scrapes and the page's files would drown the rest."""


class Traced:
    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        with tracing.bound(trace_id_of(headers.get(HEADER)) or new_trace_id()):
            if scope["path"].startswith(_SPANNED):
                await self._spanned(headers, scope, receive, send)
            else:
                await self._app(scope, receive, send)

    async def _spanned(self, headers: Headers, scope: Scope, receive: Receive, send: Send) -> None:
        """Named as OpenTelemetry names spans of HTTP servers: method and route, never what the caller made up."""
        about = {"http.request.method": scope["method"]}
        with spans.span(scope["method"], SpanKind.SERVER, about, headers) as span:

            async def noting(message: Message) -> None:
                if message["type"] == "http.response.start":
                    route = getattr(scope.get("route"), "path", "")
                    span.update_name(f"{scope['method']} {route}".rstrip())
                    span.set_attributes({"http.route": route, "http.response.status_code": message["status"]})
                await send(message)

            await self._app(scope, receive, noting)
