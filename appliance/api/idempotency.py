"""`Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header-06) for POST routes that are not idempotent by themselves.

Those are tokens and links, which are new each time, and snapshots, which freeze what is there at the moment. Every other
POST names what it makes by its content, or changes nothing the second time. Knows no route.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Annotated, Any, cast

from fastapi import Depends, Header, Request
from fastapi.routing import APIRoute
from starlette.responses import Response

from appliance.api.principal import Principal
from appliance.api.services.idempotency import Answer, Once
from appliance.contracts.errors import Code, VedetteError

if TYPE_CHECKING:
    from appliance.api.services import Services

HEADER = "Idempotency-Key"
_KEY = re.compile(r'"?([\x21\x23-\x7e]{16,128})"?', re.ASCII)


async def _declared(
    key: Annotated[
        str | None,
        Header(
            alias=HEADER,
            description="16 to 128 characters that nobody guesses, as a UUID is. The same request with the same key gets "
            "the same answer for a day.",
        ),
    ] = None,
) -> None:
    """Says in the OpenAPI document that the header is heeded; IdempotentRoute heeds it."""


DECLARED = Depends(_declared)


def parse_key(header: str) -> str:
    """Raises VedetteError(INVALID). A structured-field string, or the same without its quotes."""
    found = _KEY.fullmatch(header.strip())
    if found is None:
        raise VedetteError(
            Code.INVALID, f"The {HEADER} is not one.", "Give 16 to 128 characters that nobody guesses, as a UUID."
        )
    return found.group(1)


class IdempotentRoute(APIRoute):
    """Answers a POST with a key once, and again with the same answer."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def once(request: Request) -> Response:
            given, who = request.headers.get(HEADER), request.scope.get("vedette.principal")
            if given is None or request.method != "POST" or not isinstance(who, Principal):
                return await handle(request)
            services = cast("Services", request.app.state.services)
            known = Once(who.id, parse_key(given), await _fingerprint(request))
            before = await services.idempotency.begin(known)
            if before is not None:
                return Response(before.body, before.status, media_type=before.media_type)
            try:
                response = await handle(request)
            except BaseException:
                await services.idempotency.forget(known)
                raise
            media_type = response.headers.get("content-type", "")
            await services.idempotency.keep(known, Answer(response.status_code, media_type, bytes(response.body)))
            return response

        return once


async def _fingerprint(request: Request) -> bytes:
    """Of all that makes two requests the same: where to, and what is said."""
    digest = hashlib.sha256(f"{request.method} {request.url.path}?{request.url.query}\n".encode())
    digest.update(await request.body())
    return digest.digest()
