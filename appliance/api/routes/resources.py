"""Detectors and TrainingJobs of the cluster, the same as by kubectl. A standalone appliance answers 501."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query

from appliance.api.context import Administrator, Limit, ServicesOf, Who
from appliance.api.views.resources import ChangeResource, DetectorResourcePage, TrainingJobResourcePage
from appliance.contracts.base import Name
from appliance.contracts.resources.objects import DetectorResource, TrainingJobResource

router = APIRouter(prefix="/api/resources", tags=["resources"])
Cursor = Annotated[str | None, Query(max_length=4096, description="`next` of the page before; good for minutes.")]
Named = Annotated[Name, Path(description="metadata.name")]


@router.get("/detectors", response_model_exclude_none=True)
async def list_detector_resources(
    services: ServicesOf, _: Who, cursor: Cursor = None, limit: Limit = 100
) -> DetectorResourcePage:
    """By name, with what the operator says of each."""
    items, more = await services.detector_resources.page(cursor, limit)
    return DetectorResourcePage(items=items, next=more)


@router.get("/detectors/{name}", response_model_exclude_none=True)
async def get_detector_resource(name: Named, services: ServicesOf, _: Who) -> DetectorResource:
    return await services.detector_resources.get(name)


@router.post("/detectors", response_model_exclude_none=True)
async def apply_detector_resource(body: DetectorResource, services: ServicesOf, who: Administrator) -> DetectorResource:
    """Make it, or make it what the body says (server-side apply). Twice changes nothing."""
    return await services.detector_resources.apply(body, who.name)


@router.patch("/detectors/{name}", response_model_exclude_none=True)
async def change_detector_resource(
    name: Named, body: ChangeResource, services: ServicesOf, who: Administrator
) -> DetectorResource:
    """Some fields of its spec: suspend it, scale it, raise `rollout.retry`."""
    return await services.detector_resources.change(name, body.spec, who.name)


@router.delete("/detectors/{name}", status_code=204)
async def delete_detector_resource(name: Named, services: ServicesOf, _: Administrator) -> None:
    """Its pods end and no item gets a run of it by itself; what it found stays."""
    await services.detector_resources.delete(name)


@router.get("/trainingjobs", response_model_exclude_none=True)
async def list_training_job_resources(
    services: ServicesOf, _: Who, cursor: Cursor = None, limit: Limit = 100
) -> TrainingJobResourcePage:
    """By name, with what the operator says of each."""
    items, more = await services.training_job_resources.page(cursor, limit)
    return TrainingJobResourcePage(items=items, next=more)


@router.get("/trainingjobs/{name}", response_model_exclude_none=True)
async def get_training_job_resource(name: Named, services: ServicesOf, _: Who) -> TrainingJobResource:
    return await services.training_job_resources.get(name)


@router.post("/trainingjobs", response_model_exclude_none=True)
async def apply_training_job_resource(body: TrainingJobResource, services: ServicesOf, who: Who) -> TrainingJobResource:
    """Make it, or make it what the body says (server-side apply). Twice changes nothing. Whoever labels may ask for a model; what
    serves changes only through the gates of a detector."""
    return await services.training_job_resources.apply(body, who.name)


@router.patch("/trainingjobs/{name}", response_model_exclude_none=True)
async def change_training_job_resource(
    name: Named, body: ChangeResource, services: ServicesOf, who: Who
) -> TrainingJobResource:
    """Some fields of its spec: suspend it, or raise `retry`."""
    return await services.training_job_resources.change(name, body.spec, who.name)


@router.delete("/trainingjobs/{name}", status_code=204)
async def delete_training_job_resource(name: Named, services: ServicesOf, _: Who) -> None:
    """Its pods end, and what it had not published is gone."""
    await services.training_job_resources.delete(name)
