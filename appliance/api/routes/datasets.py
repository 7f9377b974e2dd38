"""Datasets, and the items in them."""

from __future__ import annotations

from fastapi import APIRouter, Response

from appliance.api.context import Administrator, Cursor, Limit, ServicesOf, Who
from appliance.api.views.pages import ChangeDataset, DatasetPage, DatasetView, ItemPage, NewDataset
from appliance.api.views.uploads import ItemUpload, NewItem
from appliance.contracts.base import Name

router = APIRouter(prefix="/api/datasets", tags=["datasets"])


@router.get("")
async def list_datasets(services: ServicesOf, _: Who, cursor: Cursor = None, limit: Limit = 100) -> DatasetPage:
    return await services.datasets.page(cursor, limit)


@router.post("", status_code=201, responses={200: {"model": DatasetView, "description": "It was there already."}})
async def create_dataset(body: NewDataset, services: ServicesOf, response: Response, _: Who) -> DatasetView:
    dataset, created = await services.datasets.create(body)
    response.status_code = 201 if created else 200
    return dataset


@router.get("/{dataset}")
async def get_dataset(dataset: Name, services: ServicesOf, _: Who) -> DatasetView:
    return await services.datasets.get(dataset)


@router.patch("/{dataset}")
async def change_dataset(dataset: Name, body: ChangeDataset, services: ServicesOf, _: Administrator) -> DatasetView:
    """Its title, or its priority: runs on its items go before those of datasets with a lower one."""
    return await services.datasets.change(dataset, body)


@router.delete("/{dataset}", status_code=204)
async def delete_dataset(dataset: Name, services: ServicesOf, _: Administrator) -> None:
    """Delete the dataset with its items, runs, annotations and snapshots. There is no way back."""
    await services.datasets.delete(dataset)


@router.get("/{dataset}/items")
async def list_items(
    dataset: Name, services: ServicesOf, _: Who, cursor: Cursor = None, limit: Limit = 100
) -> ItemPage:
    return await services.items.page(dataset, cursor, limit)


@router.post(
    "/{dataset}/items",
    status_code=201,
    responses={200: {"model": ItemUpload, "description": "The same content was announced before."}},
)
async def create_item(dataset: Name, body: NewItem, services: ServicesOf, response: Response, _: Who) -> ItemUpload:
    """Announce a file. PUT its parts to the addresses that come back, then complete the upload."""
    announced, created = await services.uploads.announce(dataset, body)
    response.status_code = 201 if created else 200
    return announced
