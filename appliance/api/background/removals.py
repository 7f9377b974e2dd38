"""Delete from the store what was deleted from the database. Run by background/tasks.py; deleting twice is deleting once."""

from __future__ import annotations

import asyncio
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from appliance.api.storage import items, outbox, runs
from appliance.api.storage.database import Database
from appliance.clients.objectstore import ObjectStore

_IDLE_SECONDS = 2.0


class Removals:
    def __init__(self, database: Database, store: ObjectStore) -> None:
        self._database, self._store = database, store

    async def forever(self) -> None:
        while True:
            work = self._database.work_to_come()
            if not await self.once():
                await self._database.wait_for(work, _IDLE_SECONDS)

    async def once(self) -> bool:
        """Delete what lies under one prefix; False when nothing waits."""
        async with self._database.begin() as connection:
            prefix = await outbox.take_removal(connection)
            if prefix is None:
                return False
            if not await _is_back(connection, prefix):
                await asyncio.to_thread(self._delete, prefix)
            await outbox.remove_removal(connection, prefix)
        return True

    def _delete(self, prefix: str) -> None:
        self._store.delete(found.key for found in self._store.list_objects(prefix))


async def _is_back(connection: AsyncConnection, prefix: str) -> bool:
    """Whether the same content was pushed again meanwhile: its files then lie under the same prefix."""
    kind, _, rest = prefix.partition("/")
    if kind not in {"items", "runs"}:
        return False
    identifier = UUID(rest.rstrip("/"))
    if kind == "items":
        return await items.find(connection, identifier) is not None
    return await runs.find(connection, identifier) is not None
