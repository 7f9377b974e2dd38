"""One item: its upload, its files, its end."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from appliance.api.caching import matches, not_modified, private
from appliance.api.context import ServicesOf, Who
from appliance.api.views.uploads import Upload
from appliance.contracts.item import Item

router = APIRouter(prefix="/api/items/{item_id}", tags=["items"])


@router.get("")
async def get_item(item_id: UUID, services: ServicesOf, _: Who) -> Item:
    return await services.items.get(item_id)


@router.delete("", status_code=204)
async def delete_item(item_id: UUID, services: ServicesOf, _: Who) -> None:
    """Delete the item with its runs, annotations and files. Refused while a snapshot holds it."""
    await services.items.delete(item_id)


@router.post("/retry")
async def retry_item(item_id: UUID, services: ServicesOf, _: Who) -> Item:
    """Normalise a failed item once more."""
    return await services.items.retry(item_id)


@router.get("/upload")
async def get_upload(item_id: UUID, services: ServicesOf, _: Who) -> Upload:
    """Which parts are there, and addresses for those that are not: how an upload is resumed."""
    return await services.uploads.resume(item_id)


@router.post("/upload/complete")
async def complete_upload(item_id: UUID, services: ServicesOf, _: Who) -> Item:
    return await services.uploads.complete(item_id)


@router.get("/original", status_code=307, response_class=RedirectResponse)
async def get_original(item_id: UUID, services: ServicesOf, _: Who) -> RedirectResponse:
    """Redirects to the store, for a short while."""
    return RedirectResponse(await services.items.original_url(item_id), headers={"Cache-Control": "no-store"})


@router.get("/thumbnail", response_class=Response, responses={200: {"content": {"image/webp": {}, "image/png": {}}}})
async def get_thumbnail(item_id: UUID, services: ServicesOf, request: Request, _: Who) -> Response:
    found = await services.items.find_thumbnail(item_id)
    if matches(request, found.tag):
        return not_modified(found.tag)
    content = await services.items.thumbnail(found)
    return Response(content, media_type=found.media_type, headers=private(found.tag))
