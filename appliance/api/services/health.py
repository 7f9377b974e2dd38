"""Whether the servers the API needs answer, and which workers are there. Called by routes/health.py and workers.py."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

from appliance.api.storage.database import Database
from appliance.api.views.pages import WorkerPage
from appliance.api.views.work import Readiness
from appliance.clients.messaging import Messaging
from appliance.clients.objectstore import ObjectStore
from appliance.contracts.errors import Code, VedetteError

_PATIENCE_SECONDS = 2.0
_PROBE = "readiness/no-such-object"


class HealthChecks:
    def __init__(self, database: Database, messaging: Messaging, store: ObjectStore) -> None:
        self._database, self._messaging, self._store = database, messaging, store

    async def readiness(self) -> Readiness:
        database, messaging, store = await asyncio.gather(
            _answers(self._database.ready()), _answers(self._messaging.ready()), _answers(self._store_ready())
        )
        ready = database and messaging and store
        return Readiness(ready=ready, database=database, messaging=messaging, store=store)

    async def _store_ready(self) -> bool:
        """Asking for an object that is not there needs the store to answer, the bucket and the key to be right."""
        await asyncio.to_thread(self._store.stat, _PROBE)
        return True

    async def workers(self) -> WorkerPage:
        return WorkerPage(items=sorted(await self._messaging.workers(), key=lambda w: (w.kind, w.host, w.process_id)))


async def _answers(question: Awaitable[bool]) -> bool:
    try:
        return await asyncio.wait_for(question, _PATIENCE_SECONDS)
    except TimeoutError:
        return False
    except VedetteError as error:
        return error.reason.code is Code.NOT_FOUND
