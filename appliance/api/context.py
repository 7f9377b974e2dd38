"""What a route is given: the services, who asks, and a page of a list. Used by routes alone.

All of them are coroutines, here and in routes/: FastAPI sends each plain function to a thread and waits for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, cast

from fastapi import Depends, Query, Request

from appliance.api.principal import Principal
from appliance.api.views.accounts import Role
from appliance.contracts.errors import Code, VedetteError

if TYPE_CHECKING:
    from appliance.api.services import Services


async def _services(request: Request) -> Services:
    return cast("Services", request.app.state.services)


async def _principal(request: Request) -> Principal:
    """Put there by security.Guard, which refuses the request when there is none."""
    found = request.scope.get("vedette.principal")
    if not isinstance(found, Principal):
        raise VedetteError(Code.UNAUTHENTICATED, "You are not signed in.", "Sign in, or show a token.")
    return found


async def _administrator(principal: Annotated[Principal, Depends(_principal)]) -> Principal:
    if principal.role is not Role.ADMINISTRATOR:
        raise VedetteError(Code.FORBIDDEN, "Only an administrator may do this.", "Ask an administrator.")
    return principal


ServicesOf = Annotated["Services", Depends(_services)]
Who = Annotated[Principal, Depends(_principal)]
Administrator = Annotated[Principal, Depends(_administrator)]
Cursor = Annotated[str | None, Query(max_length=200, description="`next` of the page before.")]
Limit = Annotated[int, Query(ge=1, le=1000)]
