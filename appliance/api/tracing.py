"""Every request belongs to a trace: the caller's, by its `traceparent`, else a new one. The outermost gate of app.py.

Pure ASGI, so that streams stay streams. Knows no route: services join the trace of the work that a request is about.
"""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from appliance.clients import tracing
from appliance.contracts.trace import HEADER, new_trace_id, trace_id_of


class Traced:
    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = trace_id_of(Headers(scope=scope).get(HEADER))
        with tracing.bound(given or new_trace_id()):
            await self._app(scope, receive, send)
