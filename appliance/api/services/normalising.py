"""Sending an item to the media workers, within the caller's transaction. Called by uploads, items and the reconciler."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncConnection

from appliance.api.services.announcing import of_item
from appliance.api.services.missing import no_item
from appliance.api.storage import items, outbox
from appliance.api.storage.items import ItemRecord
from appliance.clients import logging, tracing
from appliance.contracts import keys
from appliance.contracts.base import ItemId, now
from appliance.contracts.events import EventKind
from appliance.contracts.item import ItemState
from appliance.contracts.messages import MEDIA_SUBJECT, NormaliseScene


async def queue_normalising(connection: AsyncConnection, item_id: ItemId, attempt: int) -> ItemRecord:
    """Set the item to queued and write its work message; reports of older attempts no longer count."""
    await items.change(
        connection, item_id, state=ItemState.QUEUED.value, attempt=attempt, progress_percent=0.0, reason=None
    )
    record = await items.find(connection, item_id)
    if record is None:
        raise no_item(item_id)
    with tracing.bound(record.item.trace_id):
        await outbox.add_event(connection, of_item(EventKind.ITEM_CHANGED, record.item, now()))
    await publish_normalising(connection, record)
    return record


async def publish_normalising(connection: AsyncConnection, record: ItemRecord) -> None:
    item = record.item
    message = NormaliseScene(
        item_id=item.id,
        name=item.name,
        original_key=keys.original(item.id),
        original_sha256=item.sha256,
        size_bytes=item.size_bytes,
        attempt=record.attempt,
    )
    # The moment tells this message from that of the same item deleted and pushed again, or published again.
    message_id = f"normalise/{item.id}/{record.attempt}/{now().timestamp():.3f}"
    with tracing.bound(item.trace_id):
        await outbox.add(connection, MEDIA_SUBJECT, message, message_id)
        logging.get().info("item queued", item=str(item.id), name=item.name, attempt=record.attempt)
