"""Snapshots: immutable, content-addressed versions of a dataset."""

from __future__ import annotations

from fastapi import APIRouter

from appliance.api.context import Cursor, Limit, ServicesOf, Who
from appliance.api.idempotency import DECLARED, IdempotentRoute
from appliance.api.views.pages import SnapshotPage
from appliance.api.views.work import NewSnapshot, SnapshotCreated, SnapshotFiles
from appliance.contracts.base import Name, Sha256

router = APIRouter(prefix="/api", tags=["snapshots"], route_class=IdempotentRoute)


@router.get("/datasets/{dataset}/snapshots")
async def list_snapshots(
    dataset: Name, services: ServicesOf, _: Who, cursor: Cursor = None, limit: Limit = 100
) -> SnapshotPage:
    return await services.snapshots.page(dataset, cursor, limit)


@router.post("/datasets/{dataset}/snapshots", status_code=201, dependencies=[DECLARED])
async def create_snapshot(dataset: Name, body: NewSnapshot, services: ServicesOf, who: Who) -> SnapshotCreated:
    """The same content gives the same digest, whoever asks and however often."""
    return await services.snapshots.create(dataset, body, who.name)


@router.get("/snapshots/{digest}")
async def get_snapshot(digest: Sha256, services: ServicesOf, _: Who) -> SnapshotFiles:
    return await services.snapshots.files(digest)
