"""What a media worker does with one message: run the job, tell the API how it goes, and decide what a failure means.

A fault of the file is reported once and ends the message. A fault of the surroundings goes back to the queue and is
reported only when the last delivery failed as well.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

from prometheus_client import CollectorRegistry
from pydantic import ValidationError

from appliance.clients import cancellation, logging
from appliance.clients.messaging import Delivery, HandBack, Messaging
from appliance.clients.objectstore import ObjectStore
from appliance.clients.outage import is_outage
from appliance.contracts.errors import Code, VedetteError
from appliance.contracts.messages import (
    ITEM_REPORT_SUBJECT,
    MAXIMUM_DELIVERIES,
    ItemProgress,
    ItemReady,
    ItemReport,
    ItemStarted,
    NormaliseScene,
    WorkFailed,
)
from appliance.media import failures
from appliance.media.job import Job
from appliance.media.limits import Limits
from appliance.media.metrics import MediaMetrics
from appliance.media.spawning import Nursery

_PROGRESS_SECONDS = 1.0
_PROGRESS_STEP = 2.0  # percent
_END_TRIES = 60


@dataclass
class MediaHandler:
    """The handler of `Messaging.work`. `busy` holds the items in work; `changed` is called when that changes."""

    messaging: Messaging
    store: ObjectStore
    folder: Path
    limits: Limits
    nursery: Nursery
    changed: Callable[[], None]
    busy: dict[UUID, Job] = field(default_factory=dict)
    metrics: MediaMetrics = field(default_factory=lambda: MediaMetrics(CollectorRegistry()))

    async def __call__(self, delivery: Delivery) -> None:
        """Returns when the work is done and reported. Raises VedetteError as `Messaging.work` wants it."""
        work = _parse(delivery)
        end = f"{delivery.sequence}:"  # tells this item from the same one deleted and pushed again
        if delivery.delivered > MAXIMUM_DELIVERIES:
            await self._report(work, WorkFailed(reason=failures.gave_up(work.name).reason), end + "failed")
            return
        log = logging.get().bind(item=str(work.item_id), name=work.name, attempt=work.attempt)
        job = Job(work, self.store, self.folder, self.limits, self.nursery)
        self.busy[work.item_id] = job
        self.changed()
        try:
            began = time.monotonic()
            await self._report(work, ItemStarted(), end + "started")
            ready = await self._run(job, delivery.delivered)
            await self._report(work, ready, end + "ready", tries=_END_TRIES)
            self.metrics.finished(work, ready.scene, time.monotonic() - began)
            log.info("normalised", bytes=work.size_bytes)
        except VedetteError as error:
            self.metrics.ended(error.reason.code.value)
            log.warning("not normalised", reason=str(error), retryable=error.reason.retryable)
            await self._failed(work, error, delivery)
        except Exception as error:
            self.metrics.ended(Code.INTERNAL.value)
            log.exception("not normalised")
            await self._failed(work, _unforeseen(work, error), delivery)
        finally:
            self.busy.pop(work.item_id, None)
            self.changed()

    async def _run(self, job: Job, delivered: int) -> ItemReady:
        """The job in a thread; when this is cancelled, the job is stopped and waited for before it ends."""
        thread = asyncio.create_task(asyncio.to_thread(job.run))
        telling = asyncio.create_task(self._tell_progress(job, delivered))
        try:
            return await asyncio.shield(thread)
        finally:
            telling.cancel()
            job.stop.set()
            with contextlib.suppress(BaseException):
                await asyncio.wait({thread, telling})
                thread.exception()

    async def _tell_progress(self, job: Job, delivered: int) -> None:
        told = 0.0
        while True:
            cancellation.heed()  # or the item would wait for this task for ever
            await asyncio.sleep(_PROGRESS_SECONDS)
            if job.percent - told >= _PROGRESS_STEP:
                told = job.percent
                with contextlib.suppress(VedetteError):  # the next one says it too
                    await self._report(job.work, ItemProgress(percent=told), f"progress:{delivered}:{told:.1f}")

    async def _failed(self, work: NormaliseScene, error: VedetteError, delivery: Delivery) -> None:
        if await is_outage(error.reason, self.store):
            raise HandBack(str(error.reason)) from error
        if error.reason.retryable and delivery.delivered < MAXIMUM_DELIVERIES:
            raise error
        await self._report(work, WorkFailed(reason=error.reason), f"{delivery.sequence}:failed", tries=_END_TRIES)
        raise VedetteError(error.reason.code, error.reason.message, error.reason.remedy)

    async def _report(
        self,
        work: NormaliseScene,
        body: ItemStarted | ItemProgress | ItemReady | WorkFailed,
        what: str,
        tries: int = 1,
    ) -> None:
        """An end is said until it is stored: the work need not be done again because the queue was away."""
        report = ItemReport(item_id=work.item_id, attempt=work.attempt, body=body)
        for left in reversed(range(tries)):
            try:
                await self.messaging.publish(ITEM_REPORT_SUBJECT, report, f"item:{work.item_id}:{work.attempt}:{what}")
            except VedetteError as error:
                if not (left and error.reason.retryable):
                    raise
                await asyncio.sleep(1.0)
            else:
                return


def _parse(delivery: Delivery) -> NormaliseScene:
    try:
        return NormaliseScene.model_validate_json(delivery.data)
    except ValidationError as error:
        raise VedetteError(Code.INVALID, f"A message on {delivery.subject} is not NormaliseScene.") from error


def _unforeseen(work: NormaliseScene, error: Exception) -> VedetteError:
    reason = failures.inside(work.name, type(error).__name__).reason
    return VedetteError(reason.code, reason.message, reason.remedy, retryable=True)
