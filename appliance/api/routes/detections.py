"""What a run found: as rows, as a file, as figures."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query
from fastapi.responses import RedirectResponse

from appliance.api.context import Cursor, ServicesOf, Who
from appliance.api.routes.measures import MeasuresOf
from appliance.api.views.detections import DetectionFilter
from appliance.api.views.pages import DetectionPage
from appliance.api.views.work import Evaluation, Histogram
from appliance.contracts.detection import Detection

router = APIRouter(prefix="/api/runs/{run_id}", tags=["detections"])


@router.get("/detections")
async def list_detections(
    run_id: UUID,
    services: ServicesOf,
    _: Who,
    measures: MeasuresOf,
    min_score: Annotated[float, Query(ge=0, le=1)] = 0.0,
    bbox: Annotated[str | None, Query(max_length=200, description="west,south,east,north (or pixels)")] = None,
    cursor: Cursor = None,
    limit: Annotated[int, Query(ge=1, le=10_000)] = 1000,
) -> DetectionPage:
    """In the order of `ordinal`. Geometry in WGS84, or in pixels where the item has no georeference."""
    return await services.detections.page(run_id, DetectionFilter.parse(min_score, bbox, measures), cursor, limit)


@router.get("/detections/{ordinal}")
async def get_detection(
    run_id: UUID, ordinal: Annotated[int, Path(ge=0, lt=1 << 62)], services: ServicesOf, _: Who
) -> Detection:
    """One detection, whole: tiles cut and round their shapes."""
    return await services.detections.get(run_id, ordinal)


@router.get("/detections.parquet", status_code=307, response_class=RedirectResponse)
async def get_detections_file(run_id: UUID, services: ServicesOf, _: Who) -> RedirectResponse:
    """Redirects to the GeoParquet file in the store, for a short while."""
    return RedirectResponse(await services.detections.file_url(run_id), headers={"Cache-Control": "no-store"})


@router.get("/histogram")
async def get_histogram(
    run_id: UUID, services: ServicesOf, _: Who, measures: MeasuresOf, bins: Annotated[int, Query(ge=1, le=1000)] = 100
) -> Histogram:
    return await services.detections.histogram(run_id, bins, measures)


@router.get("/evaluation")
async def evaluate_run(
    run_id: UUID, services: ServicesOf, _: Who, threshold: Annotated[float | None, Query(ge=0, le=1)] = None
) -> Evaluation:
    """Against the item's annotations, at IoU 0.4; 404 where there are none."""
    return await services.evaluation.evaluate(run_id, threshold)
