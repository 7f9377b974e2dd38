"""When waiting runs will have their turn, as far as that can be told. Called by runs.py; decided in placement/outlook.py."""

from __future__ import annotations

import asyncio
import time

from appliance.api.placement.outlook import outlook
from appliance.api.services.roster import Roster
from appliance.api.storage import drains, queue
from appliance.api.storage.database import Database
from appliance.contracts.base import RunId
from appliance.contracts.run import Run, RunState, Waiting

_KEPT_SECONDS = 0.5


class Outlooks:
    """Played through at most twice a second, however many ask."""

    def __init__(self, database: Database, roster: Roster) -> None:
        self._database, self._roster = database, roster
        self._found: dict[RunId, Waiting] = {}
        self._at = float("-inf")
        self._lock = asyncio.Lock()

    async def told(self, runs: list[Run]) -> list[Run]:
        """The same runs; those that wait with their place in line."""
        waiting = [run.id for run in runs if run.state is RunState.QUEUED]
        if not waiting:
            return runs
        async with self._lock:
            if time.monotonic() - self._at > _KEPT_SECONDS or not all(run_id in self._found for run_id in waiting):
                self._found = await self._play()
                self._at = time.monotonic()
            found = self._found
        return [run.model_copy(update={"waiting": found.get(run.id)}) if run.id in found else run for run in runs]

    async def _play(self) -> dict[RunId, Waiting]:
        async with self._database.begin() as connection:
            waiting, held = await queue.waiting(connection), await queue.held(connection)
            drained, speeds = await drains.names(connection), await queue.speeds(connection)
        return outlook(waiting, self._roster.workers(held, drained), speeds)
