"""Whether the API lives, and whether it can work. The only routes that need no session."""

from __future__ import annotations

from importlib.metadata import version

from fastapi import APIRouter, Response

from appliance.api.context import ServicesOf
from appliance.api.views.work import Health, Readiness

router = APIRouter(tags=["health"])


@router.get("/healthz")
async def get_health() -> Health:
    """The process answers. Says nothing of its servers, so that a slow database gets nobody killed."""
    return Health(version=version("vedette"))


@router.get("/readyz", responses={503: {"model": Readiness, "description": "A server does not answer."}})
async def get_readiness(services: ServicesOf, response: Response) -> Readiness:
    """Asks the database, the messaging and the store at once, and answers within two seconds even when one hangs."""
    readiness = await services.health.readiness()
    response.status_code = 200 if readiness.ready else 503
    return readiness
