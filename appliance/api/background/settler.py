"""Act on what the Detectors of a cluster say: register the packages they name, give items their runs, move runs that wait for a
version which is no longer served. Run by background/tasks.py on a cluster, in every API process.
"""

from __future__ import annotations

import asyncio
import time

from appliance.api.services.following import Following
from appliance.api.services.registration import Registration, Wanted
from appliance.api.storage.database import Database
from appliance.clients import cancellation, logging
from appliance.contracts.errors import VedetteError

_IDLE_SECONDS, _LEAST_SECONDS = 2.0, 0.5


class Settler:
    def __init__(self, database: Database, registration: Registration, wanted: Wanted, following: Following) -> None:
        self._database, self._registration = database, registration
        self._wanted, self._following = wanted, following

    async def forever(self) -> None:
        while True:
            cancellation.heed()
            work = self._database.work_to_come()
            await self.once()
            await asyncio.sleep(_LEAST_SECONDS)  # every report of a run is work to somebody
            await self._database.wait_for(work, _IDLE_SECONDS)

    async def once(self) -> None:
        for package in self._wanted.due(time.monotonic()):
            try:
                await self._registration.register(package)
            except VedetteError as error:
                if self._wanted.failed(package, time.monotonic()):
                    name = f"{package.name} {package.version}"
                    logging.get().warning("package not registered", package=name, problem=str(error))
            else:
                self._wanted.done(package)
        await self._following.settle()
