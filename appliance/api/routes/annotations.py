"""Annotations: what people say is there."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter

from appliance.api.context import Cursor, Limit, ServicesOf, Who
from appliance.api.views.pages import AnnotationPage
from appliance.api.views.work import AnnotationCounts, AnnotationImport
from appliance.contracts.base import Name

router = APIRouter(prefix="/api", tags=["annotations"])


@router.post("/datasets/{dataset}/annotations/import")
async def import_annotations(dataset: Name, body: AnnotationImport, services: ServicesOf, who: Who) -> AnnotationCounts:
    return await services.annotations.import_records(dataset, body, who.name)


@router.get("/items/{item_id}/annotations")
async def list_annotations(
    item_id: UUID, services: ServicesOf, _: Who, cursor: Cursor = None, limit: Limit = 1000
) -> AnnotationPage:
    return await services.annotations.page(item_id, cursor, limit)
