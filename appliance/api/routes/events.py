"""What changes, live: Server-Sent Events of contracts.events.Event. The id is the JetStream sequence."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header, Request
from fastapi.responses import StreamingResponse

from appliance.api.context import ServicesOf, Who
from appliance.api.security import credentials
from appliance.contracts.errors import Code, VedetteError
from appliance.contracts.events import Event

router = APIRouter(prefix="/api/events", tags=["events"])


@router.get(
    "",
    response_class=StreamingResponse,
    responses={200: {"model": Event, "description": "`data:` of each message", "content": {"text/event-stream": {}}}},
)
async def stream_events(
    services: ServicesOf,
    request: Request,
    _: Who,
    last_event_id: Annotated[str | None, Header()] = None,
) -> StreamingResponse:
    """Resumes after `Last-Event-ID`; a comment each 15 seconds keeps proxies awake."""
    secret, is_token = credentials(request.scope) or ("", False)
    stream = services.events.stream(_sequence(last_event_id), lambda: services.accounts.authenticate(secret, is_token))
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(stream, media_type="text/event-stream", headers=headers)


def _sequence(header: str | None) -> int | None:
    if not header:
        return None
    if not header.isdecimal() or len(header) > 19:
        raise VedetteError(Code.INVALID, "Last-Event-ID is not a number.", "Send the id of the last event received.")
    return int(header)
