"""Workers: who is there, who takes nothing new. Called by routes/workers.py and by machine.py.

A drain belongs to a worker's name and is kept in the database until it is ended: it outlives the worker's process, its
connection and a restart of every server.
"""

from __future__ import annotations

from appliance.api.principal import Principal
from appliance.api.storage import drains
from appliance.api.storage.database import Database, leaves_work
from appliance.api.views.workers import ListedWorker, WorkerDrain, WorkerPage
from appliance.clients import logging
from appliance.clients.messaging import Messaging
from appliance.contracts.errors import Code, VedetteError
from appliance.contracts.worker import WorkerKind, WorkerName


class Workers:
    def __init__(self, database: Database, messaging: Messaging) -> None:
        self._database, self._messaging = database, messaging

    async def page(self) -> WorkerPage:
        found = sorted(await self._messaging.workers(), key=lambda w: (w.kind, w.host, w.process_id))
        drained = await self.drained()
        listed = [ListedWorker(**dict(worker), drained=worker.name in drained) for worker in found]
        return WorkerPage(items=listed)

    async def drained(self) -> set[str]:
        async with self._database.begin() as connection:
            return await drains.names(connection)

    async def drain(self, name: WorkerName, by: Principal) -> WorkerDrain:
        """It finishes what was placed on it and gets nothing new. Draining twice is draining once."""
        await self._refuse_others(name)
        async with self._database.begin() as connection:
            await drains.add(connection, name, by.name)
        logging.get().info("worker drained", worker=name, by=by.name)
        return WorkerDrain(name=name, drained=True)

    async def resume(self, name: WorkerName) -> WorkerDrain:
        """It gets runs again; also one that is not there now. Raises VedetteError(NOT_FOUND) for one never drained."""
        async with self._database.begin() as connection:
            if not await drains.remove(connection, name):
                await self._refuse_others(name)
            leaves_work(connection)
        return WorkerDrain(name=name, drained=False)

    async def _refuse_others(self, name: WorkerName) -> None:
        """Raises VedetteError for a name that no detector worker here has."""
        found = [worker for worker in await self._messaging.workers() if worker.name == name]
        if not found:
            raise VedetteError(
                Code.NOT_FOUND, f"There is no worker {name}.", "`vedette worker list` names those that are there."
            )
        if all(worker.kind is not WorkerKind.DETECTOR for worker in found):
            message = f"{name} is a media worker; only detector workers can be drained."
            raise VedetteError(Code.INVALID, message, "Stop it: what it is at is handed to another.")
