"""Runs: asking for one, watching it, stopping it."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from appliance.api.context import Cursor, Limit, ServicesOf, Who
from appliance.api.views.pages import RunPage
from appliance.api.views.work import NewRun
from appliance.contracts.base import Name
from appliance.contracts.run import Run, RunState

router = APIRouter(prefix="/api", tags=["runs"])


@router.get("/items/{item_id}/runs")
async def list_item_runs(
    item_id: UUID, services: ServicesOf, _: Who, cursor: Cursor = None, limit: Limit = 100
) -> RunPage:
    return await services.runs.page_of_item(item_id, cursor, limit)


@router.post(
    "/items/{item_id}/runs",
    status_code=201,
    responses={200: {"model": Run, "description": "This detector version was asked for before."}},
)
async def create_run(item_id: UUID, body: NewRun, services: ServicesOf, response: Response, _: Who) -> Run:
    """Run a detector on the item. Its identifier follows from both: asking twice is asking once."""
    run, created = await services.runs.create(item_id, body)
    response.status_code = 201 if created else 200
    return run


@router.get("/runs")
async def list_runs(
    services: ServicesOf,
    _: Who,
    dataset: Annotated[Name | None, Query()] = None,
    state: Annotated[list[RunState] | None, Query()] = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> RunPage:
    """Newest first. `state` may be given several times."""
    return await services.runs.page(dataset, state or [], cursor, limit)


@router.get("/runs/{run_id}")
async def get_run(run_id: UUID, services: ServicesOf, _: Who) -> Run:
    return await services.runs.get(run_id)


@router.post("/runs/{run_id}/cancel")
async def cancel_run(run_id: UUID, services: ServicesOf, _: Who) -> Run:
    """Stop a waiting or running run. Cancelling a cancelled one changes nothing; a finished one is refused."""
    return await services.runs.cancel(run_id)


@router.post("/runs/{run_id}/retry")
async def retry_run(run_id: UUID, services: ServicesOf, _: Who) -> Run:
    """Queue a failed or cancelled run again."""
    return await services.runs.retry(run_id)
