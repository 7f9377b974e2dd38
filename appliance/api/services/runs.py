"""Runs: asked for, watched, cancelled, tried again. Called by routes/runs.py."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncConnection

from appliance.api.services.announcing import of_run
from appliance.api.services.missing import no_detector, no_item, no_run
from appliance.api.services.outlook import Outlooks
from appliance.api.services.queueing import known_package, queue_again, queue_new
from appliance.api.services.versions import newest
from appliance.api.storage import detectors, followed, items, outbox, runs
from appliance.api.storage.database import Database
from appliance.api.storage.runs import RunFilter, RunRecord
from appliance.api.views.pages import RunPage
from appliance.api.views.work import NewRun
from appliance.clients import tracing
from appliance.contracts.base import ItemId, Name, RunId, now
from appliance.contracts.detector import Detector
from appliance.contracts.errors import Code, VedetteError
from appliance.contracts.events import EventKind
from appliance.contracts.item import ItemState
from appliance.contracts.run import Run, RunState


class Runs:
    """`cluster`: which versions are served is said by Detectors."""

    def __init__(self, database: Database, outlooks: Outlooks, cluster: bool = False) -> None:
        self._database, self._outlooks, self._cluster = database, outlooks, cluster

    async def page(self, dataset: Name | None, states: list[RunState], cursor: str | None, limit: int) -> RunPage:
        async with self._database.begin() as connection:
            found = await runs.page(connection, RunFilter(dataset, None, tuple(states)), cursor, limit)
        return await self._told(found)

    async def page_of_item(self, item_id: ItemId, cursor: str | None, limit: int) -> RunPage:
        async with self._database.begin() as connection:
            if await items.find(connection, item_id) is None:
                raise no_item(item_id)
            found = await runs.page(connection, RunFilter(item_id=item_id), cursor, limit)
        return await self._told(found)

    async def _told(self, page: RunPage) -> RunPage:
        return RunPage(items=await self._outlooks.told(page.items), next=page.next)

    async def record(self, run_id: RunId) -> RunRecord:
        async with self._database.begin() as connection:
            return await _found(connection, run_id)

    async def get(self, run_id: RunId) -> Run:
        [run] = await self._outlooks.told([(await self.record(run_id)).run])
        return run

    async def create(self, item_id: ItemId, body: NewRun) -> tuple[Run, bool]:
        """The run, and whether it is new. Raises VedetteError(CONFLICT) when the item is not ready."""
        async with self._database.begin() as connection:
            record = await items.lock(connection, item_id)
            if record is None:
                raise no_item(item_id)
            tracing.join(record.item.trace_id)
            if record.item.state is not ItemState.READY:
                raise VedetteError(
                    Code.CONFLICT,
                    f"{record.item.name} is {record.item.state.value}, not ready.",
                    "Wait until it is normalised, or see why it failed.",
                )
            detector = await _chosen(connection, body, self._cluster)
            identifier, created = await queue_new(connection, record, detector)
            return (await _found(connection, identifier)).run, created

    async def cancel(self, run_id: RunId) -> Run:
        if (await self.record(run_id)).run.state is RunState.INGESTING:
            raise _too_late(run_id, RunState.INGESTING)
        async with self._database.begin() as connection:
            record = await _locked(connection, run_id)
            state = record.run.state
            if state is RunState.CANCELLED:
                return record.run
            if state not in {RunState.QUEUED, RunState.RUNNING}:
                raise _too_late(run_id, state)
            await runs.change(connection, run_id, state=RunState.CANCELLED.value, finished_at=now())
            await outbox.add_cancellation(connection, run_id, cancelled=True, attempt=record.run.attempt)
            cancelled = await _found(connection, run_id)
            await outbox.add_event(connection, of_run(EventKind.RUN_CHANGED, cancelled, now()))
            return cancelled.run

    async def retry(self, run_id: RunId) -> Run:
        """A failed or cancelled run is queued again; one that waits or runs stays as it is."""
        async with self._database.begin() as connection:
            record = await _locked(connection, run_id)
            if not record.run.state.terminal:
                return record.run
            if record.run.state is RunState.SUCCEEDED:
                raise VedetteError(
                    Code.CONFLICT, "The run has succeeded.", "The same detector on the same item finds the same again."
                )
            return (await queue_again(connection, record)).run


def _too_late(run_id: RunId, state: RunState) -> VedetteError:
    return VedetteError(Code.CONFLICT, f"Run {run_id} is {state.value} and cannot be cancelled.", "Nothing to do.")


async def _chosen(connection: AsyncConnection, body: NewRun, cluster: bool) -> Detector:
    if cluster:
        return await _served(connection, body)
    if body.version is None:
        versions = await detectors.ready_versions(connection, body.detector)
        if not versions:
            raise no_detector(body.detector)
        return newest(versions)
    found = await detectors.find(connection, body.detector, body.version)
    if found is None or not found.ready:
        raise no_detector(body.detector, body.version)
    return found.detector


async def _served(connection: AsyncConnection, body: NewRun) -> Detector:
    """On a cluster: the version that serves, or the canary when it is named. No pod would ever take a run of another."""
    said = await followed.find(connection, body.detector)
    if said is None or said.serving is None:
        raise VedetteError(
            Code.CONFLICT,
            f"No version of {body.detector} is served.",
            f"See `kubectl describe detector {body.detector}`; runs are taken once it is Ready.",
        )
    offered = [each for each in (said.serving, said.canary) if each is not None]
    wanted = next((each for each in offered if body.version in (None, each.version)), None)
    if wanted is None:
        raise VedetteError(
            Code.CONFLICT,
            f"{body.detector} {body.version} is not served; {said.serving.version} is.",
            f"Ask for {' or '.join(each.version for each in offered)}, or name no version.",
        )
    detector = await known_package(connection, wanted)
    if detector is None:
        raise no_detector(wanted.name, wanted.version)
    return detector


async def _found(connection: AsyncConnection, run_id: RunId) -> RunRecord:
    record = await runs.find(connection, run_id)
    if record is None:
        raise no_run(run_id)
    return record


async def _locked(connection: AsyncConnection, run_id: RunId) -> RunRecord:
    record = await runs.lock(connection, run_id)
    if record is None:
        raise no_run(run_id)
    tracing.join(record.run.trace_id)
    return record
