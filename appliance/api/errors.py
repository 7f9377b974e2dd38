"""The one table from VedetteError.code to HTTP status, and RFC 9457 problem documents for everything that goes wrong.

Used by app.py (handlers), security.py (refusals before routing) and the OpenAPI document. Knows no route.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from appliance.api.needs_cluster import NeedsClusterError
from appliance.api.stale import StaleError
from appliance.api.views.annotations import StaleProblem
from appliance.api.views.work import Problem, ProblemField
from appliance.clients import logging, tracing
from appliance.contracts.errors import Code, VedetteError

MEDIA_TYPE = "application/problem+json"

STATUS: dict[Code, int] = {
    Code.UNREADABLE: 422,
    Code.TRUNCATED: 422,
    Code.UNSUPPORTED: 415,
    Code.TOO_LARGE: 413,
    Code.EMPTY: 422,
    Code.BANDS: 422,
    Code.GSD: 422,
    Code.GEOREFERENCE: 422,
    Code.LABELS: 422,
    Code.MODEL_PACKAGE: 422,
    Code.DIGEST: 422,
    Code.LIMIT: 429,
    Code.DISK: 507,
    Code.STORE: 503,
    Code.NOT_FOUND: 404,
    Code.CONFLICT: 409,
    Code.INVALID: 422,
    Code.UNAUTHENTICATED: 401,
    Code.FORBIDDEN: 403,
    Code.UNAVAILABLE: 503,
    Code.CANCELLED: 409,
    Code.INTERNAL: 500,
}

_CODE_OF_STATUS = {
    400: Code.INVALID,
    401: Code.UNAUTHENTICATED,
    403: Code.FORBIDDEN,
    404: Code.NOT_FOUND,
    405: Code.INVALID,
    413: Code.TOO_LARGE,
    415: Code.UNSUPPORTED,
    429: Code.LIMIT,
}
_RETRY_AFTER_SECONDS = "5"
_FIELDS_SHOWN = 20


def problem(error: VedetteError, status: int | None = None, fields: list[ProblemField] | None = None) -> Response:
    """The problem document of an error; `status` overrides the table's (405 has no code of its own)."""
    code = error.reason.code
    number = status or STATUS[code]
    told = Problem(
        type=f"urn:vedette:problem:{code.value}",
        title=HTTPStatus(number).phrase,
        status=number,
        detail=error.reason.message,
        code=code,
        remedy=error.reason.remedy,
        fields=fields or [],
        trace_id=tracing.current(),
    )
    body = StaleProblem(**dict(told), present=error.present) if isinstance(error, StaleError) else told
    headers = {"Cache-Control": "no-store"}
    if number in {429, 503}:
        headers["Retry-After"] = _RETRY_AFTER_SECONDS
    if number == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    return Response(body.model_dump_json(), number, headers, media_type=MEDIA_TYPE)


def internal() -> VedetteError:
    return VedetteError(
        Code.INTERNAL, "Something in the appliance went wrong.", "Try again; the API's log says what it was."
    )


async def _vedette(_: Request, error: Exception) -> Response:
    if not isinstance(error, VedetteError):
        raise error
    return problem(error, HTTPStatus.NOT_IMPLEMENTED if isinstance(error, NeedsClusterError) else None)


async def _http(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    code = _CODE_OF_STATUS.get(error.status_code, Code.INTERNAL if error.status_code >= 500 else Code.INVALID)
    message = f"{request.method} {request.url.path}: {error.detail}."
    response = problem(VedetteError(code, message, "See /api/openapi.json for what there is."), error.status_code)
    response.headers.update(error.headers or {})
    return response


async def _validation(_: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        raise error
    fields = [
        ProblemField(where=".".join(str(part) for part in one["loc"]), message=str(one["msg"]))
        for one in error.errors()[:_FIELDS_SHOWN]
    ]
    first = f" {fields[0].where}: {fields[0].message}." if fields else ""
    return problem(
        VedetteError(Code.INVALID, f"The request was not understood.{first}", "Correct it and send it again."),
        fields=fields,
    )


async def _unexpected(request: Request, error: Exception) -> Response:
    logging.get().error("request failed", method=request.method, path=request.url.path, exc_info=error)
    return problem(internal())


def install(app: FastAPI) -> None:
    app.add_exception_handler(VedetteError, _vedette)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _validation)
    app.add_exception_handler(Exception, _unexpected)


RESPONSES: dict[int | str, dict[str, Any]] = {
    "default": {
        "description": "A problem document (RFC 9457).",
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
}
"""What every route may answer beside its own model, for the OpenAPI document."""
