"""Place waiting runs on workers, and take back what a worker that is gone had. Run by background/tasks.py (ADR 0010).

The database says who waits and who has what, so any number of API processes may do this: one at a time places. Which run
goes to which worker is decided in placement/.
"""

from __future__ import annotations

import time

from sqlalchemy.ext.asyncio import AsyncConnection

from appliance.api.placement.assign import Placement, assign, has_room
from appliance.api.placement.queue import Speeds, Worker
from appliance.api.services.announcing import of_run
from appliance.api.services.queueing import publish_detecting
from appliance.api.services.roster import Roster
from appliance.api.storage import drains, outbox, queue, runs
from appliance.api.storage.database import Database
from appliance.clients import cancellation, logging
from appliance.clients.messaging import Messaging
from appliance.contracts.base import RunId, now
from appliance.contracts.errors import VedetteError
from appliance.contracts.events import EventKind
from appliance.contracts.run import RunState

_IDLE_SECONDS = 1.0
_AGAIN_SECONDS = 0.1
_SPEEDS_SECONDS = 5.0


class Placer:
    def __init__(self, database: Database, messaging: Messaging, roster: Roster) -> None:
        self._database, self._messaging, self._roster = database, messaging, roster
        self._speeds, self._speeds_at = Speeds(), float("-inf")

    async def forever(self) -> None:
        while True:
            cancellation.heed()
            work = self._database.work_to_come()
            mine = await self.once()
            await self._database.wait_for(work, _IDLE_SECONDS if mine else _AGAIN_SECONDS)

    async def once(self) -> bool:
        """Place what can be placed now; False when another process is at it."""
        await self._take_back()
        async with self._database.begin() as connection:
            workers, speeds = await self._workers(connection), await self._known_speeds(connection)
            if not has_room(workers, speeds) or not await queue.anyone_waits(connection):
                return True
            if not await queue.lock(connection):
                return False
            # What another process has just placed is seen only now.
            workers, waiting = await self._workers(connection), await queue.waiting(connection)
            for placement in assign(waiting, workers, speeds):
                await _place(connection, placement)
        return True

    async def _workers(self, connection: AsyncConnection) -> list[Worker]:
        return self._roster.workers(await queue.held(connection), await drains.names(connection))

    async def _take_back(self) -> None:
        async with self._database.begin() as connection:
            holders = {run.worker_id for run in await queue.held(connection)}
        for worker_id, lost in self._roster.gone(holders).items():
            # The lane first: were the process to die in between, the run would only be taken back again.
            await self._messaging.close_lane(worker_id)
            async with self._database.begin() as connection:
                for run_id in await queue.withdraw(connection, worker_id, lost):
                    await _announce(connection, run_id)
                    logging.get().warning("run taken back", run=str(run_id), worker=str(worker_id), lost=lost)

    async def _known_speeds(self, connection: AsyncConnection) -> Speeds:
        if time.monotonic() - self._speeds_at > _SPEEDS_SECONDS:
            self._speeds, self._speeds_at = await queue.speeds(connection), time.monotonic()
        return self._speeds


async def _place(connection: AsyncConnection, placement: Placement) -> None:
    """A run that cannot be placed at all fails, so that it does not hold up the others."""
    if not await queue.place(connection, placement.run_id, placement.worker_id):
        return
    record = await runs.find(connection, placement.run_id)
    if record is None:
        return
    try:
        await publish_detecting(connection, record)
    except VedetteError as error:
        if error.reason.retryable:
            raise
        reason = error.reason.model_dump(mode="json")
        await runs.change(connection, placement.run_id, state=RunState.FAILED.value, reason=reason, finished_at=now())
        await _announce(connection, placement.run_id)


async def _announce(connection: AsyncConnection, run_id: RunId) -> None:
    record = await runs.find(connection, run_id)
    if record is not None:
        await outbox.add_event(connection, of_run(EventKind.RUN_CHANGED, record, now()))
