"""What the Detectors of a cluster say, kept and acted upon: items get their runs, and runs that wait for a version which is no
longer served go to the one that is. Called by background/follower.py and settler.py; any number of processes may (ADR 16).
"""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncConnection

from appliance.api.following.said import Followed
from appliance.api.services.announcing import of_detector, of_item
from appliance.api.services.queueing import known_package, queue_followed, queue_new
from appliance.api.storage import followed, items, outbox, runs
from appliance.api.storage.database import Database, leaves_work
from appliance.api.storage.followed import Left
from appliance.api.storage.items import ItemRecord
from appliance.clients import logging
from appliance.contracts import keys
from appliance.contracts.base import Name, now
from appliance.contracts.detector import Detector
from appliance.contracts.events import EventKind

_AT_ONCE = 200


class Following:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def heard(self, said: Followed, listed: bool = False) -> None:
        """Keep what a Detector says. `listed`: just read, so the newest whatever its version. Twice changes nothing."""
        async with self._database.begin() as connection:
            await followed.alone(connection)
            known = await followed.find(connection, said.name)
            if known == said:
                return
            await followed.put(connection, said, filled=not _begins(known, said), listed=listed)
            # The operator writes its status every few seconds; pages need not hear of what is nothing to them.
            if known is None or known.model_copy(update={"resource_version": said.resource_version}) != said:
                await _tell(connection, said.name)

    async def gone(self, name: Name, uid: str) -> None:
        """A Detector was deleted: no more runs by itself; what it found stays."""
        async with self._database.begin() as connection:
            await followed.alone(connection)
            await followed.remove(connection, name, uid)
            await _tell(connection, name)

    async def only(self, names: list[Name]) -> None:
        """Forget every Detector but these."""
        async with self._database.begin() as connection:
            await followed.alone(connection)
            for name in await followed.keep_only(connection, names):
                await _tell(connection, name)

    async def settle(self) -> None:
        """All there is to do now, a few hundred at a time."""
        while await self._fill():
            pass
        async with self._database.begin() as connection:
            names = [each.name for each in await followed.every(connection)]
        for name in names:
            while await self._move(name):
                pass

    async def _fill(self) -> bool:
        """Queue runs for some of the items that were there before; whether there may be more to do."""
        async with self._database.begin() as connection:
            found = await followed.to_fill(connection)
            if found is None:
                return False
            said, after = found
            datasets = [each.dataset for each in said.subscriptions]
            serves = said.serving is not None and not said.suspended
            batch: list[ItemRecord] = []
            if serves:
                batch = await items.without_a_run(connection, said.name, datasets, after, _AT_ONCE)
            for record in batch:
                await queue_followed(connection, record, [said])
            last = batch[-1].item.id if len(batch) == _AT_ONCE else None
            await followed.filled_to(connection, said.name, last)
            return True

    async def _move(self, name: Name) -> bool:
        """Whether there may be more to move."""
        async with self._database.begin() as connection:
            said = await followed.find(connection, name)
            if said is None or said.serving is None:
                return False
            serving = await known_package(connection, said.serving)
            if serving is None:
                return False
            found = await followed.left(connection, name, _AT_ONCE)
            for run in found:
                await _moved(connection, run, serving)
            if found:
                leaves_work(connection)
                logging.get().info("runs moved", detector=name, version=serving.version, runs=len(found))
            return len(found) == _AT_ONCE


def _begins(known: Followed | None, said: Followed) -> bool:
    """Whether items that are there already may lack runs that it asks for now."""
    if said.suspended or said.serving is None:
        return False
    if known is None or known.uid != said.uid or known.suspended or known.serving is None:
        return True
    return known.subscriptions != said.subscriptions


async def _moved(connection: AsyncConnection, run: Left, serving: Detector) -> None:
    """In place of a run nobody has begun, or that was handed back, one of the version that serves, at the same place in the
    queue. One that is there already stays as it is."""
    record = await items.find(connection, run.item_id)
    if record is None:
        return
    await outbox.add_cancellation(connection, run.run_id, cancelled=True)
    if run.begun:
        await outbox.add_removals(connection, [keys.run_prefix(run.run_id)])
    await runs.remove(connection, run.run_id)
    identifier, created = await queue_new(connection, record, serving)
    if created:
        await runs.change(connection, identifier, queued_at=run.queued_at)
    await outbox.add_event(connection, of_item(EventKind.ITEM_CHANGED, record.item, now()))


async def _tell(connection: AsyncConnection, name: Name) -> None:
    await outbox.add_event(connection, of_detector(name, now()))
