"""Annotations: what people say is there."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Response

from appliance.api.context import Cursor, Limit, ServicesOf, Who
from appliance.api.errors import MEDIA_TYPE
from appliance.api.storage.annotations import AnnotationFilter
from appliance.api.views.annotations import AnnotationChange, StaleProblem
from appliance.api.views.pages import AnnotationPage
from appliance.api.views.work import AnnotationCounts, AnnotationImport
from appliance.contracts.annotation import Annotation, Verdict
from appliance.contracts.base import Name

router = APIRouter(prefix="/api", tags=["annotations"])

_STALE: dict[int | str, dict[str, Any]] = {
    409: {
        "model": StaleProblem,
        "description": "Somebody else was faster; `present` is what it is now.",
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/StaleProblem"}}},
    }
}


@router.post("/datasets/{dataset}/annotations/import")
async def import_annotations(dataset: Name, body: AnnotationImport, services: ServicesOf, who: Who) -> AnnotationCounts:
    return await services.annotations.import_records(dataset, body, who.name)


@router.get("/items/{item_id}/annotations")
async def list_annotations(
    item_id: UUID,
    services: ServicesOf,
    _: Who,
    verdict: Annotated[
        Literal["accepted", "rejected", "any"], Query(description="Rejected ones are detections that are no object.")
    ] = "accepted",
    source: Annotated[
        str | None, Query(max_length=255, description="`people` for what was said on the page, else the label file's.")
    ] = None,
    cursor: Cursor = None,
    limit: Limit = 1000,
) -> AnnotationPage:
    wanted = AnnotationFilter(None if verdict == "any" else Verdict(verdict), source)
    return await services.annotations.page(item_id, wanted, cursor, limit)


@router.get("/items/{item_id}/annotations/{annotation_id}")
async def get_annotation(item_id: UUID, annotation_id: UUID, services: ServicesOf, _: Who) -> Annotation:
    """Also where it is deleted: it then says so, and its revision is the one to restore it on."""
    return await services.annotation_edits.get(item_id, annotation_id)


@router.put("/items/{item_id}/annotations/{annotation_id}", responses={201: {"model": Annotation}, **_STALE})
async def put_annotation(
    item_id: UUID, annotation_id: UUID, body: AnnotationChange, services: ServicesOf, who: Who, response: Response
) -> Annotation:
    """Make, change or restore one. Sending it twice is sending it once; the id of a detection's annotation is the
    UUID of version 5 of its ordinal in the namespace of its run's id."""
    made, new = await services.annotation_edits.put(item_id, annotation_id, body, who.name)
    response.status_code = 201 if new else 200
    return made


@router.delete("/items/{item_id}/annotations/{annotation_id}", responses=_STALE)
async def delete_annotation(
    item_id: UUID,
    annotation_id: UUID,
    services: ServicesOf,
    who: Who,
    revision: Annotated[int, Query(ge=1, lt=1 << 62, description="The revision that is deleted.")],
) -> Annotation:
    """Delete one; the answer is what a PUT restores it on."""
    return await services.annotation_edits.delete(item_id, annotation_id, revision, who.name)
