"""What a detector worker tells the API about one run. Used by worker_run.py; knows the messages, not the work."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from uuid import UUID, uuid4

from appliance.clients import cancellation, logging
from appliance.clients.messaging import HandBack, Messaging
from appliance.contracts import keys
from appliance.contracts.detection import RunSummary
from appliance.contracts.errors import Reason, VedetteError
from appliance.contracts.messages import (
    RUN_REPORT_SUBJECT,
    DetectScene,
    RunCancelled,
    RunFinished,
    RunProgress,
    RunReport,
    RunReturned,
    RunStarted,
    WorkFailed,
)
from appliance.contracts.run import Progress

_PROGRESS_SECONDS = 0.5
_ALIVE_SECONDS = 30.0
_STORE_TRIES = 60
_NOTHING_YET = Progress(fraction=0)

Body = RunStarted | RunProgress | RunFinished | RunCancelled | RunReturned | WorkFailed


class RunReporter:
    """Ends (finished, cancelled, failed) are said until they are stored; progress is said when it can be."""

    def __init__(self, messaging: Messaging, work: DetectScene, sequence: int) -> None:
        """`sequence`: of the work message. It tells this run from the same one deleted and asked for again."""
        self._messaging = messaging
        self._work = work
        self._sequence = sequence
        self._latest: Progress | None = None

    def note_progress(self, progress: Progress) -> None:
        """From any thread; only the newest is sent."""
        self._latest = progress

    @contextlib.asynccontextmanager
    async def sending_progress(self) -> AsyncIterator[None]:
        """At most two reports a second for as long as the context lasts; one each half minute where nothing moves."""
        task = asyncio.create_task(self._send_progress())
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def started(self, worker: str) -> None:
        await self._say(RunStarted(worker=worker), f"started/{uuid4()}", tries=1)

    async def finished(self, summary: RunSummary) -> None:
        await self._end(RunFinished(summary=summary, detections_key=keys.detections(self._work.run_id)), "finished")

    async def cancelled(self) -> None:
        await self._end(RunCancelled(), "cancelled")

    async def failed(self, reason: Reason) -> None:
        await self._end(WorkFailed(reason=reason), "failed")

    async def returned(self, worker_id: UUID, why: str) -> None:
        """Another worker may do it."""
        logging.get().warning("run returned", run=str(self._work.run_id), reason=why)
        await self._end(RunReturned(worker_id=worker_id, why=why), "returned")

    async def _send_progress(self) -> None:
        sent, sent_at = self._latest, time.monotonic()
        while True:
            cancellation.heed()
            latest = self._latest or _NOTHING_YET
            if latest != (sent or _NOTHING_YET) or time.monotonic() - sent_at >= _ALIVE_SECONDS:
                await self._say(RunProgress(progress=latest), f"progress/{uuid4()}", tries=1)
                sent, sent_at = latest, time.monotonic()
            await asyncio.sleep(_PROGRESS_SECONDS)

    async def _end(self, body: Body, name: str) -> None:
        """The message id is the same for every worker that comes to this end of this message, so it is stored once."""
        if not await self._say(body, f"{self._sequence}/{name}", tries=_STORE_TRIES):
            raise HandBack("the end of the run could not be reported")

    async def _say(self, body: Body, name: str, tries: int) -> bool:
        report = RunReport(run_id=self._work.run_id, attempt=self._work.attempt, body=body)
        for attempt in range(tries):
            try:
                await self._messaging.publish(
                    RUN_REPORT_SUBJECT, report, f"{self._work.run_id}/{self._work.attempt}/{name}"
                )
            except VedetteError as error:
                logging.get().warning("report not stored", report=body.kind, reason=str(error.reason))
                if attempt + 1 < tries:
                    await asyncio.sleep(1.0)
            else:
                return True
        return False
