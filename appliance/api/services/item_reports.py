"""What media workers say of items, taken into the database: once, in whatever order. Called by background/reports.py."""

from __future__ import annotations

from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from appliance.api.services.announcing import of_item
from appliance.api.services.placing import place_annotations
from appliance.api.services.queueing import queue_subscribed
from appliance.api.storage import items, outbox
from appliance.api.storage.database import Database
from appliance.api.storage.items import ItemRecord
from appliance.clients import logging
from appliance.contracts import keys
from appliance.contracts.base import now
from appliance.contracts.events import EventKind
from appliance.contracts.item import Asset, Item, ItemState
from appliance.contracts.messages import ItemProgress, ItemReady, ItemReport, ItemStarted, WorkFailed

_OPEN = {ItemState.QUEUED, ItemState.NORMALISING}


class ItemReports:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def apply(self, report: ItemReport) -> None:
        """Take a report in. One of another attempt, or of an item that has ended, changes nothing; one of an item
        that was deleted has its files removed."""
        async with self._database.begin() as connection:
            record = await items.lock(connection, report.item_id)
            if record is None:
                await outbox.add_removals(connection, [keys.item_prefix(report.item_id)])
                return
            if report.attempt != record.attempt or record.item.state not in _OPEN:
                return
            await items.change(connection, record.item.id, **_changes(record.item, report))
            fresh = await items.find(connection, record.item.id)
            if fresh is None:
                return
            if fresh.item.state is not record.item.state:
                logging.get().info("item reported", item=str(fresh.item.id), state=fresh.item.state.value)
            if fresh.item.state is ItemState.READY:
                await _welcome(connection, fresh)
            if _is_news(record, fresh):
                await outbox.add_event(connection, of_item(EventKind.ITEM_CHANGED, fresh.item, now()))


def _is_news(before: ItemRecord, after: ItemRecord) -> bool:
    return before.item != after.item


async def _welcome(connection: AsyncConnection, record: ItemRecord) -> None:
    """A ready item gets its annotations placed, and a run of each detector that watches its dataset."""
    await place_annotations(connection, record.item)
    await queue_subscribed(connection, [record])


def _changes(item: Item, report: ItemReport) -> dict[str, Any]:
    match report.body:
        case ItemStarted():
            return {"state": ItemState.NORMALISING.value}
        case ItemProgress(percent=percent):
            return {"state": ItemState.NORMALISING.value, "progress_percent": max(percent, item.progress_percent)}
        case ItemReady(scene=scene, assets=assets):
            return {
                "state": ItemState.READY.value,
                "progress_percent": 100.0,
                "scene": scene.model_dump(mode="json"),
                "assets": [asset.model_dump(mode="json") for asset in _merged(item.assets, assets)],
                "reason": None,
            }
        case WorkFailed(reason=reason):
            return {"state": ItemState.FAILED.value, "reason": reason.model_dump(mode="json")}


def _merged(known: list[Asset], reported: list[Asset]) -> list[Asset]:
    """One asset per role; what was reported last counts."""
    return list({asset.role: asset for asset in [*known, *reported]}.values())
