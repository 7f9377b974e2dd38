"""What detector workers say of runs, taken into the database: once, in whatever order. Called by background/reports.py."""

from __future__ import annotations

from typing import Any

from appliance.api.services.announcing import of_run
from appliance.api.services.ingest import Ingest
from appliance.api.storage import outbox, runs
from appliance.api.storage.database import Database
from appliance.clients import logging
from appliance.contracts import keys
from appliance.contracts.base import now
from appliance.contracts.events import EventKind
from appliance.contracts.messages import (
    RunCancelled,
    RunFinished,
    RunProgress,
    RunReport,
    RunReturned,
    RunStarted,
    WorkFailed,
)
from appliance.contracts.run import Progress, Run, RunState

_OPEN = {RunState.QUEUED, RunState.RUNNING}


class RunReports:
    def __init__(self, database: Database, ingest: Ingest) -> None:
        self._database, self._ingest = database, ingest

    async def apply(self, report: RunReport) -> None:
        """Take a report in. One of another attempt, or of a run that has ended, changes nothing; one of a run that
        was deleted has its files removed. A finished run is ingested before this returns."""
        if await self._note(report):
            await self._ingest.run(report.run_id)

    async def _note(self, report: RunReport) -> bool:
        """Whether the run now waits for its detections to be ingested."""
        async with self._database.begin() as connection:
            record = await runs.lock(connection, report.run_id)
            if record is None:
                await outbox.add_removals(connection, [keys.run_prefix(report.run_id)])
                return False
            run = record.run
            if report.attempt != run.attempt:
                return False
            if isinstance(report.body, RunReturned) and record.placed_on != report.body.worker_id:
                return False
            if run.state not in _OPEN:
                return run.state is RunState.INGESTING and isinstance(report.body, RunFinished)
            await runs.change(connection, run.id, **_changes(run, report))
            fresh = await runs.find(connection, run.id)
            if fresh is not None and fresh.run.state is not run.state:
                logging.get().info("run reported", run=str(run.id), state=fresh.run.state.value)
            if fresh is not None and fresh.run != run:
                await outbox.add_event(connection, of_run(EventKind.RUN_CHANGED, fresh, now()))
            return isinstance(report.body, RunFinished)


def _changes(run: Run, report: RunReport) -> dict[str, Any]:
    started = {"started_at": run.started_at or now()}
    match report.body:
        case RunStarted(worker=worker):
            return {"state": RunState.RUNNING.value, "worker": worker, **started}
        case RunProgress(progress=progress):
            newer = progress if progress.fraction >= run.progress.fraction else run.progress
            return {"state": RunState.RUNNING.value, "progress": newer.model_dump(mode="json"), **started}
        case RunFinished(summary=summary):
            done = Progress(
                fraction=1,
                bands_done=run.progress.bands_total,
                bands_total=run.progress.bands_total,
                detections=summary.detections,
                seconds_left=0,
            )
            return {
                "state": RunState.INGESTING.value,
                "progress": done.model_dump(mode="json"),
                "summary": summary.model_dump(mode="json"),
                **started,
            }
        case RunCancelled():
            return {"state": RunState.CANCELLED.value, "finished_at": now()}
        case RunReturned(worker_id=worker_id):
            return {
                "state": RunState.QUEUED.value,
                "placed_on": None,
                "refused_by": worker_id,
                "refused_at": now(),
            }
        case WorkFailed(reason=reason):
            return {"state": RunState.FAILED.value, "reason": reason.model_dump(mode="json"), "finished_at": now()}
