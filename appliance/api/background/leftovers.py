"""Checkpoints of TrainingJobs that were deleted: theirs are kept in the store for as long as the resource is there, so that one
that failed goes on where it was. Run by background/tasks.py on a cluster, in every API process.
"""

from __future__ import annotations

import asyncio

from appliance.api.services.cluster import Cluster
from appliance.api.storage import outbox
from appliance.api.storage.database import Database
from appliance.clients import logging
from appliance.clients.kubernetes_kinds import TRAINING_JOBS
from appliance.clients.objectstore import ObjectStore
from appliance.contracts import keys

_EVERY_SECONDS = 3600.0
_BEGIN_SECONDS = 60.0


class Leftovers:
    def __init__(self, cluster: Cluster, database: Database, store: ObjectStore) -> None:
        self._cluster, self._database, self._store = cluster, database, store

    async def forever(self) -> None:
        await asyncio.sleep(_BEGIN_SECONDS)
        while True:
            await self.once()
            await asyncio.sleep(_EVERY_SECONDS)

    async def once(self) -> None:
        """Ask for their removal (removals.py). Raises VedetteError while the store or the API server is away."""
        kept = await asyncio.to_thread(self._store.list_folders, keys.TRAINING_PREFIX)
        # In this order: whoever had checkpoints a moment ago and is not there now has been deleted.
        page = await self._cluster.kubernetes.list(TRAINING_JOBS, self._cluster.namespace)
        there = {keys.training_prefix(each["metadata"]["uid"]) for each in page.items}
        gone = sorted(set(kept) - there)
        async with self._database.begin() as connection:
            await outbox.add_removals(connection, gone)
        if gone:
            logging.get().info("checkpoints of deleted training jobs go", training_jobs=len(gone))
