"""Our HTTP API as a client sees it: models in, models out, problems as `VedetteError`. Used by the CLI.

Knows no route: callers name the path and the model they expect.
"""

from __future__ import annotations

import json
import os
import ssl
import time
from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

import httpx
from pydantic import BaseModel, ConfigDict, ValidationError

from appliance.contracts.errors import Code, VedetteError

M = TypeVar("M", bound=BaseModel)
Parameters = Mapping[str, str | int | float | bool | None]

_PAUSES = (0.2, 0.6, 1.5)
_START = "Start it with `vedette up`, or name another address with --url."


class _Page(BaseModel):
    """Every list: `next` is the cursor of the following page, None at the end."""

    items: list[Any]
    next: str | None = None


class _Problem(BaseModel):
    """RFC 9457; what it says beside these is for other readers."""

    model_config = ConfigDict(extra="ignore")
    detail: str
    code: Code
    remedy: str = ""


class ApiClient:
    """One server, one token. Safe to share between threads.

    Every method raises VedetteError: what the server refused, as it said it; UNAVAILABLE (retryable) when it cannot
    be reached or does not answer within `timeout` seconds. What may be asked twice is asked again, up to three times.
    """

    def __init__(self, url: str, token: str, timeout: float = 30.0) -> None:
        self.url = url.rstrip("/")
        self._http = httpx.Client(
            base_url=self.url,
            headers={"Authorization": f"Bearer {token}"} if token else {},
            timeout=httpx.Timeout(timeout, connect=5.0),
            verify=tls_context(self.url),
            trust_env=False,
        )

    def __enter__(self) -> ApiClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    def get(self, path: str, model: type[M], parameters: Parameters | None = None) -> M:
        return self._parse(self._send("GET", path, parameters=parameters), model)

    def post(self, path: str, body: BaseModel | None, model: type[M]) -> M:
        """Every POST of our API may be sent twice: identifiers follow from content."""
        return self._parse(self._send("POST", path, body=body), model)

    def patch(self, path: str, body: BaseModel, model: type[M]) -> M:
        """What the body leaves out stays as it is."""
        return self._parse(self._send("PATCH", path, body=body), model)

    def send(self, method: str, path: str, body: BaseModel | None = None) -> None:
        """For routes whose answer does not matter."""
        self._send(method, path, body=body)

    def location(self, path: str) -> str:
        """Where a route redirects to: a pre-signed address that needs no token, and must not be given ours."""
        response = self._send("GET", path)
        return str(response.headers["Location"])

    def pages(self, path: str, model: type[M], parameters: Parameters | None = None) -> Iterator[M]:
        """Every record of a list, page by page."""
        cursor: str | None = None
        while True:
            page = self.get(path, _Page, {**(parameters or {}), "cursor": cursor})
            yield from (self._record(path, record, model) for record in page.items)
            cursor = page.next
            if cursor is None:
                return

    def reachable(self) -> bool:
        try:
            return self._http.get("/readyz", timeout=2.0).status_code == 200
        except httpx.TransportError:
            return False

    def _send(
        self, method: str, path: str, *, parameters: Parameters | None = None, body: BaseModel | None = None
    ) -> httpx.Response:
        given = {k: v for k, v in (parameters or {}).items() if v is not None}
        content = None if body is None else body.model_dump_json().encode()
        headers = {} if content is None else {"Content-Type": "application/json"}
        for pause in (*_PAUSES, None):
            try:
                response = self._http.request(method, path, params=given, content=content, headers=headers)
            except httpx.ConnectError as error:
                # Nobody listens: asking again at once would only make a person wait for the same answer.
                raise VedetteError(
                    Code.UNAVAILABLE, f"Nothing answers at {self.url}.", _START, retryable=True
                ) from error
            except httpx.TransportError as error:
                if pause is None:
                    raise self._silent(error) from error
            else:
                if response.status_code not in (502, 503, 504) or pause is None:
                    return self._checked(response)
            time.sleep(pause)
        raise AssertionError("unreachable")

    def _silent(self, error: httpx.TransportError) -> VedetteError:
        what = "did not answer in time" if isinstance(error, httpx.TimeoutException) else "broke the connection"
        return VedetteError(Code.UNAVAILABLE, f"{self.url} {what}.", "See `vedette status`.", retryable=True)

    def _checked(self, response: httpx.Response) -> httpx.Response:
        if response.is_success or response.has_redirect_location:
            return response
        try:
            problem = _Problem.model_validate_json(response.content)
        except ValidationError:
            raise VedetteError(
                Code.INTERNAL if response.status_code < 500 else Code.UNAVAILABLE,
                f"{response.request.method} {response.request.url.path} was answered with {response.status_code}.",
                f"Is {self.url} a Vedette of this version?",
                retryable=response.status_code >= 500,
            ) from None
        retryable = response.status_code in (429, 502, 503, 504)
        raise VedetteError(problem.code, problem.detail, problem.remedy, retryable=retryable)

    def _parse(self, response: httpx.Response, model: type[M]) -> M:
        try:
            return model.model_validate_json(response.content)
        except ValidationError as error:
            raise _unknown(response.request.url.path, error) from error

    def _record(self, path: str, record: Any, model: type[M]) -> M:
        try:
            return model.model_validate_json(json.dumps(record))
        except ValidationError as error:
            raise _unknown(path, error) from error


def _unknown(path: str, error: ValidationError) -> VedetteError:
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    return VedetteError(
        Code.INTERNAL,
        f"{path} answered something unknown: {where}: {first['msg']}.",
        "Use a `vedette` of the server's version.",
    )


def tls_context(url: str) -> ssl.SSLContext:
    """Certificates are checked against the system's authorities, or the file named by SSL_CERT_FILE.

    A plain http: address gets an empty context, because loading the authorities takes longer than most requests.
    """
    if not url.startswith("https:"):
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    return ssl.create_default_context(cafile=os.environ.get("SSL_CERT_FILE"))
