"""The state of the machine: for its operator as JSON, for Prometheus as its text format."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import Response
from prometheus_client import CONTENT_TYPE_LATEST

from appliance.api.context import Administrator, ServicesOf, Who
from appliance.api.metrics import ApiMetrics
from appliance.api.views.status import StatusView

router = APIRouter(tags=["status"])


@router.get("/api/status")
async def get_status(services: ServicesOf, _: Administrator) -> StatusView:
    """Parts, workers, queues, disk and the last failures, as they are now."""
    return await services.machine.status()


@router.get(
    "/metrics",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}, "description": "Prometheus' text."}},
)
async def get_metrics(services: ServicesOf, request: Request, _: Who) -> Response:
    """For Prometheus. Needs a token like every other route: give Prometheus one as `credentials_file`."""
    metrics: ApiMetrics = request.app.state.metrics
    text = metrics.text(await services.machine.status(failures=0))
    return Response(text, headers={"Content-Type": CONTENT_TYPE_LATEST, "Cache-Control": "no-store"})
