"""Tokens for programs: shown once, belonging to the account that made them."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter

from appliance.api.context import Cursor, Limit, ServicesOf, Who
from appliance.api.idempotency import DECLARED, IdempotentRoute
from appliance.api.views.accounts import NewToken, TokenRequest
from appliance.api.views.pages import TokenPage

router = APIRouter(prefix="/api/tokens", tags=["tokens"], route_class=IdempotentRoute)


@router.get("")
async def list_tokens(services: ServicesOf, who: Who, cursor: Cursor = None, limit: Limit = 100) -> TokenPage:
    """One's own."""
    return await services.accounts.token_page(who, cursor, limit)


@router.post("", status_code=201, dependencies=[DECLARED])
async def create_token(body: TokenRequest, services: ServicesOf, who: Who) -> NewToken:
    return await services.accounts.create_token(who, body.name)


@router.delete("/{token_id}", status_code=204)
async def delete_token(token_id: UUID, services: ServicesOf, who: Who) -> None:
    await services.accounts.delete_token(who, token_id)
