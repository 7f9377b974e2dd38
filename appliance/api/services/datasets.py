"""Datasets: made, listed, deleted with all they hold. Called by routes/datasets.py."""

from __future__ import annotations

from appliance.api.services.missing import no_dataset
from appliance.api.storage import datasets, items, outbox, snapshots
from appliance.api.storage.database import Database, leaves_work
from appliance.api.views.pages import ChangeDataset, DatasetPage, DatasetView, NewDataset
from appliance.contracts import keys
from appliance.contracts.base import Name, now
from appliance.contracts.events import Event, EventKind


class Datasets:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(self, cursor: str | None, limit: int) -> DatasetPage:
        async with self._database.begin() as connection:
            return await datasets.page(connection, cursor, limit)

    async def get(self, name: Name) -> DatasetView:
        async with self._database.begin() as connection:
            found = await datasets.find(connection, name)
        if found is None:
            raise no_dataset(name)
        return found

    async def create(self, body: NewDataset) -> tuple[DatasetView, bool]:
        """The dataset, and whether it is new: making it twice is making it once."""
        async with self._database.begin() as connection:
            created = await datasets.create(connection, body.name, body.title)
        return await self.get(body.name), created

    async def change(self, name: Name, body: ChangeDataset) -> DatasetView:
        async with self._database.begin() as connection:
            if not await datasets.change(connection, name, body.model_dump(exclude_none=True)):
                raise no_dataset(name)
            leaves_work(connection)
        return await self.get(name)

    async def delete(self, name: Name) -> None:
        """Everything at once in the database; the files follow, in their own time."""
        async with self._database.begin() as connection:
            dataset_id = await datasets.lock(connection, name)
            if dataset_id is None:
                raise no_dataset(name)
            item_ids = await items.ids_of_dataset(connection, dataset_id)
            run_ids = await items.run_ids(connection, item_ids)
            digests = await snapshots.digests_of_dataset(connection, dataset_id)
            for run_id in run_ids:
                await outbox.add_cancellation(connection, run_id, cancelled=True)
            await outbox.add_removals(
                connection,
                [
                    *map(keys.run_prefix, run_ids),
                    *map(keys.item_prefix, item_ids),
                    *map(keys.snapshot_prefix, digests),
                ],
            )
            await datasets.remove(connection, dataset_id)
            event = Event(kind=EventKind.ITEM_DELETED, dataset_id=dataset_id, at=now())
            await outbox.add_event(connection, event)
