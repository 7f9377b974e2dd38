"""Heal what was lost: the database is the truth, the queue a hint. Run by background/tasks.py, every half minute.

Work that the database says is unfinished, of which nothing was heard for too long, and which the queue does not hold, is
published again. Each row is locked while it is looked at and skipped by the other API processes.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from appliance.api.services import Services
from appliance.api.services.announcing import of_item, of_run
from appliance.api.services.ingest import Ingest
from appliance.api.services.normalising import publish_normalising, queue_normalising
from appliance.api.services.queueing import queue_again, queue_subscribed
from appliance.api.settings import ApiSettings
from appliance.api.storage import items, outbox, runs
from appliance.api.storage.database import Database, leaves_work
from appliance.api.storage.items import ItemRecord
from appliance.api.storage.runs import RunRecord
from appliance.clients import cancellation, tracing
from appliance.clients.messaging import Messaging
from appliance.contracts.base import now
from appliance.contracts.errors import Code, Reason, VedetteError
from appliance.contracts.events import EventKind
from appliance.contracts.item import ItemState
from appliance.contracts.messages import (
    LANES_STREAM,
    MEDIA_STREAM,
    MEDIA_SUBJECT,
    detect_subject,
    lane_subject,
    normalise_subject,
)
from appliance.contracts.run import RunState

_AT_ONCE = 100


class Reconciler:
    def __init__(
        self, database: Database, settings: ApiSettings, ingest: Ingest, services: Services, messaging: Messaging
    ) -> None:
        self._database, self._settings, self._ingest = database, settings, ingest
        self._items, self._detectors = services.items, services.detectors
        self._messaging = messaging

    async def forever(self) -> None:
        while True:
            cancellation.heed()
            await self.once()
            await asyncio.sleep(self._settings.reconcile_seconds)

    async def once(self) -> None:
        await self._republish()
        await self._revive()
        await self._finish_ingests()
        await self._fill_subscriptions()
        await self._abandon_uploads()

    async def _republish(self) -> None:
        """What waits in a long queue is left there; what the queue has lost is published again, as the same attempt, and a
        run that its worker's lane has lost is placed again.

        One that was published in this moment may be there twice: either message will do.
        """
        before = now() - timedelta(seconds=self._settings.queued_silence_seconds)
        async with self._database.begin() as connection:
            for item in await items.silent(connection, ItemState.QUEUED, before, _AT_ONCE):
                await items.change(connection, item.item.id)
                if not await self._holds_item(connection, item):
                    await publish_normalising(connection, item)
            for run in await runs.silent(connection, RunState.QUEUED, before, _AT_ONCE):
                await runs.change(connection, run.run.id)
                if not await self._holds_run(connection, run):
                    await runs.change(connection, run.run.id, placed_on=None)
                    leaves_work(connection)

    async def _revive(self) -> None:
        """A worker that fell silent, and its message with it: the next attempt, until there were too many.

        A message that the queue still holds is delivered again by the queue, whenever there is a worker.
        """
        before = now() - timedelta(seconds=self._settings.working_silence_seconds)
        async with self._database.begin() as connection:
            for item in await items.silent(connection, ItemState.NORMALISING, before, _AT_ONCE):
                if await self._holds_item(connection, item):
                    await items.change(connection, item.item.id)
                elif item.attempt < self._settings.maximum_attempts:
                    await queue_normalising(connection, item.item.id, item.attempt + 1)
                else:
                    await _give_up_item(connection, item)
            for run in await runs.silent(connection, RunState.RUNNING, before, _AT_ONCE):
                if await self._holds_run(connection, run):
                    await runs.change(connection, run.run.id)
                elif run.run.attempt < self._settings.maximum_attempts:
                    await queue_again(connection, run)
                else:
                    await _give_up_run(connection, run)

    async def _holds_item(self, connection: AsyncConnection, record: ItemRecord) -> bool:
        """Whether its work message is in the queue or still in the outbox. Raises VedetteError when the queue is away."""
        subject = normalise_subject(record.item.id, record.attempt)
        return await outbox.holds(connection, MEDIA_SUBJECT, "item_id", record.item.id) or await self._messaging.holds(
            MEDIA_STREAM, subject
        )

    async def _holds_run(self, connection: AsyncConnection, record: RunRecord) -> bool:
        run = record.run
        if record.placed_on is None:
            return False
        subject = lane_subject(record.placed_on, run.id, run.attempt)
        return await outbox.holds(
            connection, detect_subject(run.detector), "run_id", run.id
        ) or await self._messaging.holds(LANES_STREAM, subject)

    async def _finish_ingests(self) -> None:
        before = now() - timedelta(seconds=self._settings.working_silence_seconds)
        async with self._database.begin() as connection:
            lost = await runs.silent(connection, RunState.INGESTING, before, _AT_ONCE)
        for run in lost:
            with tracing.bound(run.run.trace_id):
                await self._ingest.run(run.run.id)

    async def _fill_subscriptions(self) -> None:
        """An item that became ready while a detector was being applied is seen by neither: queue what is missing."""
        async with self._database.begin() as connection:
            await queue_subscribed(connection, await items.unwatched(connection, _AT_ONCE))

    async def _abandon_uploads(self) -> None:
        before = now() - timedelta(hours=self._settings.upload_abandoned_hours)
        async with self._database.begin() as connection:
            left = await items.silent(connection, ItemState.UPLOADING, before, _AT_ONCE)
        for record in left:
            try:
                await self._items.delete(record.item.id)
            except VedetteError as error:
                if error.reason.code is not Code.NOT_FOUND:
                    raise
        await self._detectors.abandon_uploads(before)


def _lost(name: str, attempts: int) -> Reason:
    return Reason(
        code=Code.INTERNAL,
        message=f"Work on {name} was begun {attempts} times, and each time its worker was lost.",
        remedy="See the workers' logs, then retry.",
        retryable=True,
    )


async def _give_up_item(connection: AsyncConnection, record: ItemRecord) -> None:
    reason = _lost(record.item.name, record.attempt).model_dump(mode="json")
    await items.change(connection, record.item.id, state=ItemState.FAILED.value, reason=reason)
    fresh = await items.find(connection, record.item.id)
    if fresh is not None:
        await outbox.add_event(connection, of_item(EventKind.ITEM_CHANGED, fresh.item, now()))


async def _give_up_run(connection: AsyncConnection, record: RunRecord) -> None:
    reason = _lost(record.run.item_name, record.run.attempt).model_dump(mode="json")
    await runs.change(connection, record.run.id, state=RunState.FAILED.value, reason=reason, finished_at=now())
    fresh = await runs.find(connection, record.run.id)
    if fresh is not None:
        await outbox.add_event(connection, of_run(EventKind.RUN_CHANGED, fresh, now()))
