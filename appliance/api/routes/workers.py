"""Workers that have announced themselves."""

from __future__ import annotations

from fastapi import APIRouter

from appliance.api.context import ServicesOf, Who
from appliance.api.views.pages import WorkerPage

router = APIRouter(prefix="/api/workers", tags=["workers"])


@router.get("")
async def list_workers(services: ServicesOf, _: Who) -> WorkerPage:
    return await services.health.workers()
