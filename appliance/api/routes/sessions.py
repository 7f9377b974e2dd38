"""Signing in and out, passwords and one-time links."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from appliance.api.context import Administrator, ServicesOf, Who
from appliance.api.idempotency import DECLARED, IdempotentRoute
from appliance.api.security import COOKIE, session_secret
from appliance.api.views.accounts import LinkRequest, LinkView, PasswordChange, SessionView, SignIn

router = APIRouter(prefix="/api", tags=["session"], route_class=IdempotentRoute)


@router.post("/session")
async def sign_in(body: SignIn, request: Request, response: Response, services: ServicesOf) -> SessionView:
    """Open a session: its cookie is `vedette_session`. Ten failures in a quarter of an hour, and it is 429 for a while."""
    address = request.client.host if request.client else "unknown"
    opened = await services.accounts.sign_in(body, address)
    response.set_cookie(
        COOKIE,
        opened.secret,
        expires=opened.expires_at,
        path="/",
        secure=services.settings.secure_cookie,
        httponly=True,
        samesite="strict",
    )
    return services.accounts.view(opened.principal)


@router.get("/session")
async def get_session(who: Who, services: ServicesOf) -> SessionView:
    return services.accounts.view(who)


@router.delete("/session", status_code=204)
async def sign_out(request: Request, response: Response, services: ServicesOf, _: Who) -> None:
    await services.accounts.sign_out(session_secret(request.scope))
    response.delete_cookie(COOKIE, path="/", httponly=True, samesite="strict")


@router.put("/account/password", status_code=204)
async def set_password(body: PasswordChange, request: Request, services: ServicesOf, who: Who) -> None:
    """Set or change one's own password; every other session of the account ends."""
    await services.accounts.set_password(who, body.password, session_secret(request.scope))


@router.post("/links", status_code=201, dependencies=[DECLARED])
async def create_link(body: LinkRequest, services: ServicesOf, who: Administrator) -> LinkView:
    return await services.accounts.create_link(body.name or who.name, body.role)
