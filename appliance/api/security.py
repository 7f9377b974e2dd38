"""The gate before every route: who asks, where the request comes from, how large it is; and headers on every answer.

Refuses by default: a new route is closed until someone signs in. Pure ASGI, so that streams stay streams. Knows the
accounts service only as `Authenticate`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from http.cookies import CookieError, SimpleCookie
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from appliance.api.errors import problem
from appliance.api.principal import Principal
from appliance.contracts.errors import Code, VedetteError

COOKIE = "vedette_session"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_OPEN_PATHS = frozenset({"/healthz", "/readyz"})
_CLOSED_PATHS = frozenset({"/metrics"})
"""Data outside /api."""

Authenticate = Callable[[str, bool], Awaitable[Principal]]
"""(secret, whether it is a token) -> who that is; raises VedetteError(UNAUTHENTICATED)."""


def session_secret(scope: Scope) -> str | None:
    """The session's secret out of the cookie header."""
    try:
        cookie = SimpleCookie(Headers(scope=scope).get("cookie", "")).get(COOKIE)
    except CookieError:
        return None
    return cookie.value if cookie else None


def credentials(scope: Scope) -> tuple[str, bool] | None:
    """(secret, whether it is a token): a token if one is shown, else the session of the cookie."""
    scheme, _, token = Headers(scope=scope).get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token.strip():
        return token.strip(), True
    secret = session_secret(scope)
    return (secret, False) if secret else None


def is_open(method: str, path: str) -> bool:
    """What needs nobody's session: health, signing in, and the files of the page, which hold no data."""
    if path in _OPEN_PATHS:
        return method in SAFE_METHODS
    if path == "/api/session":
        return method == "POST"
    return method in SAFE_METHODS and not (path == "/api" or path.startswith("/api/") or path in _CLOSED_PATHS)


def is_same_origin(headers: Headers, strict: bool) -> bool:
    """Whether a page of ours sent this: by Sec-Fetch-Site, else by Origin against Host.

    Every browser sends one of the two on an unsafe request; without either, `strict` decides (a cookie is only ever
    a browser's, so its requests are judged strictly; a program that signs in has neither).
    """
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site in {"same-origin", "none"}
    origin = headers.get("origin")
    if origin is not None:
        return urlsplit(origin).netloc == headers.get("host", "")
    return not strict


class Guard:
    """Authenticates, or answers with a problem document."""

    def __init__(self, app: ASGIApp, authenticate: Authenticate) -> None:
        self._app, self._authenticate = app, authenticate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            await self._check(scope)
        except VedetteError as error:
            await problem(error)(scope, receive, send)
            return
        await self._app(scope, receive, send)

    async def _check(self, scope: Scope) -> None:
        method, headers = scope["method"], Headers(scope=scope)
        if is_open(method, scope["path"]):
            if method not in SAFE_METHODS and not is_same_origin(headers, strict=False):
                raise _foreign()
            return
        shown = credentials(scope)
        if shown is None:
            raise VedetteError(Code.UNAUTHENTICATED, "You are not signed in.", "Sign in, or show a token.")
        secret, is_token = shown
        if not is_token and method not in SAFE_METHODS and not is_same_origin(headers, strict=True):
            raise _foreign()
        scope["vedette.principal"] = await self._authenticate(secret, is_token)


def _foreign() -> VedetteError:
    return VedetteError(
        Code.FORBIDDEN, "The request comes from another site.", "Use the page at the appliance's own address."
    )


class BodyLimit:
    """Refuses bodies over `maximum` bytes, by their announced length and while they arrive."""

    def __init__(self, app: ASGIApp, maximum: int) -> None:
        self._app, self._maximum = app, maximum

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        announced = Headers(scope=scope).get("content-length", "0")
        if not announced.isdecimal() or int(announced) > self._maximum:
            await problem(self._too_large())(scope, receive, send)
            return
        received, answered = 0, False

        async def limited() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self._maximum:
                raise self._too_large()
            return message

        async def honest(message: Message) -> None:
            """Whatever the application makes of a body that broke off, the answer is that it was too large."""
            nonlocal answered
            if received <= self._maximum:
                await send(message)
            elif not answered:
                answered = True
                await problem(self._too_large())(scope, receive, send)

        await self._app(scope, limited, honest)

    def _too_large(self) -> VedetteError:
        return VedetteError(
            Code.TOO_LARGE,
            f"The request is larger than {self._maximum >> 20} MiB.",
            "Send it in smaller pieces; files go to the store by their upload addresses.",
        )


class SecurityHeaders:
    """On every answer: nothing from elsewhere, no framing, no sniffing."""

    def __init__(self, app: ASGIApp, store_origin: str) -> None:
        self._app = app
        self._headers = {
            "Content-Security-Policy": (
                f"default-src 'self'; connect-src 'self' {store_origin}; img-src 'self' blob: data:; "
                "worker-src 'self' blob:; object-src 'none'; base-uri 'none'; "
                "form-action 'self'; frame-ancestors 'none'"
            ),
            "X-Content-Type-Options": "nosniff",
            "X-Frame-Options": "DENY",
            "Referrer-Policy": "same-origin",
            "Cross-Origin-Opener-Policy": "same-origin",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, with_headers)
