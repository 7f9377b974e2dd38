"""Detectors: model packages that are served."""

from __future__ import annotations

from fastapi import APIRouter

from appliance.api.context import Administrator, Cursor, Limit, ServicesOf, Who
from appliance.api.views.pages import DetectorPage
from appliance.api.views.uploads import ChangeDetector, DetectorUpload, NewDetector
from appliance.contracts.base import Name, Version
from appliance.contracts.detector import Detector

router = APIRouter(prefix="/api/detectors", tags=["detectors"])


@router.get("")
async def list_detectors(services: ServicesOf, _: Who, cursor: Cursor = None, limit: Limit = 100) -> DetectorPage:
    return await services.detectors.page(cursor, limit)


@router.post("")
async def apply_detector(body: NewDetector, services: ServicesOf, _: Administrator) -> DetectorUpload:
    """Announce a model package. PUT its files' parts to the addresses that come back, then complete it."""
    return await services.detectors.apply(body)


@router.get("/{name}/{version}")
async def get_detector(name: Name, version: Version, services: ServicesOf, _: Who) -> Detector:
    return await services.detectors.get(name, version)


@router.patch("/{name}/{version}")
async def change_detector(
    name: Name, version: Version, body: ChangeDetector, services: ServicesOf, _: Administrator
) -> Detector:
    """Its subscriptions; the items that are there already get their runs. Nothing else of a version changes."""
    return await services.detectors.subscribe(name, version, body.subscribe)


@router.post("/{name}/{version}/complete")
async def complete_detector(name: Name, version: Version, services: ServicesOf, _: Administrator) -> Detector:
    """The files are read back and their digest verified; then the detector takes runs."""
    return await services.detectors.complete(name, version)
