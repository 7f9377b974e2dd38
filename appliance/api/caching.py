"""ETag and Cache-Control of pictures and tiles. Used by routes. Private always: what is shown needs a session."""

from __future__ import annotations

import hashlib

from fastapi import Request, Response

_YEAR_SECONDS = 31_536_000


def etag(*parts: object) -> str:
    """A strong validator over everything the answer depends on."""
    joined = "\n".join(str(part) for part in parts)
    return f'"{hashlib.sha256(joined.encode()).hexdigest()[:32]}"'


def matches(request: Request, tag: str) -> bool:
    """Whether the client already holds this answer (RFC 9110, If-None-Match; weak comparison)."""
    header = request.headers.get("if-none-match", "")
    return any(one.strip().removeprefix("W/") == tag for one in header.split(","))


def private(tag: str) -> dict[str, str]:
    """Ask again each time, cheaply: the address does not change when the content does."""
    return {"ETag": tag, "Cache-Control": "private, no-cache"}


def immutable(tag: str) -> dict[str, str]:
    """Never ask again. Only where the address itself names the content, by `?v=`."""
    return {"ETag": tag, "Cache-Control": f"private, max-age={_YEAR_SECONDS}, immutable"}


def not_modified(tag: str) -> Response:
    return Response(status_code=304, headers=private(tag))
