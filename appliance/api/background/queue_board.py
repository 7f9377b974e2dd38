"""Tell the operator what waits for each detector, which scales by it. Run by background/tasks.py on a cluster (ADR 16).

Every API process does, from the one database: what is put twice is the same.
"""

from __future__ import annotations

import asyncio
import time

from appliance.api.storage import followed
from appliance.api.storage.database import Database
from appliance.clients import cancellation
from appliance.clients.messaging import Messaging
from appliance.contracts.base import Name
from appliance.contracts.errors import VedetteError
from appliance.contracts.messages import DetectorQueue

_EVERY_SECONDS = 1.0
_ALL_AGAIN_SECONDS = 60.0
"""The bucket may have been lost with its server meanwhile."""


class QueueBoard:
    def __init__(self, database: Database, messaging: Messaging) -> None:
        self._database, self._messaging = database, messaging
        self._said: dict[Name, DetectorQueue] = {}
        self._all_at = float("-inf")

    async def forever(self) -> None:
        while True:
            cancellation.heed()
            await self.once()
            await asyncio.sleep(_EVERY_SECONDS)

    async def once(self) -> None:
        """Put what changed; all of it after anything went wrong. Raises VedetteError while a server is away."""
        async with self._database.begin() as connection:
            found = await followed.queues(connection)
        try:
            await self._put(found)
        except VedetteError:
            self._all_at = float("-inf")
            raise

    async def _put(self, found: dict[Name, DetectorQueue]) -> None:
        board, there = self._messaging.detector_queues, set(self._said)
        if time.monotonic() - self._all_at > _ALL_AGAIN_SECONDS:
            there, self._said, self._all_at = set(await board.keys()), {}, time.monotonic()
        for name, queue in found.items():
            if self._said.get(name) != queue:
                await board.put(name, queue)
                self._said[name] = queue
        for name in there - set(found):
            await board.forget(name)
            self._said.pop(name, None)
