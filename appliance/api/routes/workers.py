"""Workers that have announced themselves, and which of them get runs."""

from __future__ import annotations

from fastapi import APIRouter

from appliance.api.context import Administrator, ServicesOf, Who
from appliance.api.views.workers import WorkerDrain, WorkerPage
from appliance.contracts.worker import WorkerName

router = APIRouter(prefix="/api/workers", tags=["workers"])


@router.get("")
async def list_workers(services: ServicesOf, _: Who) -> WorkerPage:
    return await services.workers.page()


@router.post("/{name}/drain")
async def drain_worker(name: WorkerName, services: ServicesOf, who: Administrator) -> WorkerDrain:
    """Let the worker finish what it has and give it nothing new, until it is resumed; also after it was started again."""
    return await services.workers.drain(name, who)


@router.post("/{name}/resume")
async def resume_worker(name: WorkerName, services: ServicesOf, _: Administrator) -> WorkerDrain:
    """Give the worker runs again."""
    return await services.workers.resume(name)
