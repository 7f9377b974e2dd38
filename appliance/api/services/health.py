"""Whether the servers the API needs answer. Called by routes/health.py and machine.py."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from appliance.api.services.probes import Probe
from appliance.api.storage.database import Database
from appliance.api.views.work import Readiness
from appliance.clients.messaging import Messaging
from appliance.clients.objectstore import ObjectStore

_WATCH_SECONDS = 5.0
_PROBE = "readiness/no-such-object"


class HealthChecks:
    def __init__(self, database: Database, messaging: Messaging, store: ObjectStore) -> None:
        self._store = store
        self._database_probe = Probe("database", database.check)
        self._messaging_probe = Probe("messaging", messaging.check)
        self._store_probe = Probe("store", self._check_store)

    async def readiness(self) -> Readiness:
        """Within two seconds, whatever the servers do."""
        database, messaging, store = await asyncio.gather(
            self._database_probe.ask(), self._messaging_probe.ask(), self._store_probe.ask()
        )
        ready = database.answers and messaging.answers and store.answers
        return Readiness(ready=ready, database=database, messaging=messaging, store=store)

    async def _check_store(self) -> None:
        """Asking for an object that is not there needs the store to answer, the bucket and the key to be right."""
        await asyncio.to_thread(self._store.stat, _PROBE)

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        """Ask every few seconds for as long as this lasts, so that `since` is right though nobody else asks."""
        task = asyncio.create_task(self._watch(), name="health")
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _watch(self) -> None:
        while True:
            await self.readiness()
            await asyncio.sleep(_WATCH_SECONDS)
