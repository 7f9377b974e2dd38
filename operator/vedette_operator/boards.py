"""What others put onto boards in NATS: queues of detectors and progress of trainers. Started by main.py.

NATS may be away or not there at all: what was last known stays.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

from appliance.clients import logging
from appliance.clients.messaging import Messaging
from appliance.clients.settings import MessagingSettings
from appliance.contracts.errors import VedetteError
from appliance.contracts.messages import DetectorQueue
from appliance.contracts.resources.training_status import TrainerStatus

_RETRY_SECONDS = 5.0


class Boards:
    """`queue_changed` and `trainer_changed` are called with the key: a detector's name, the uid of a TrainingJob."""

    def __init__(self, queue_changed: Callable[[str], None], trainer_changed: Callable[[str], None]) -> None:
        self.queues: dict[str, DetectorQueue] = {}
        self.trainers: dict[str, TrainerStatus] = {}
        self._queue_changed, self._trainer_changed = queue_changed, trainer_changed

    async def follow(self, settings: MessagingSettings) -> None:
        """Ends only when cancelled."""
        async with _connected(settings) as messaging, asyncio.TaskGroup() as group:
            group.create_task(self._follow_queues(messaging))
            group.create_task(self._follow_trainers(messaging))

    async def _follow_queues(self, messaging: Messaging) -> None:
        async with contextlib.aclosing(messaging.detector_queues.follow()) as entries:
            async for name, queue in entries:
                if queue is None:
                    self.queues.pop(name, None)
                else:
                    self.queues[name] = queue
                self._queue_changed(name)

    async def _follow_trainers(self, messaging: Messaging) -> None:
        async with contextlib.aclosing(messaging.trainers.follow()) as entries:
            async for uid, status in entries:
                if status is None:
                    self.trainers.pop(uid, None)
                else:
                    self.trainers[uid] = status
                    self._trainer_changed(uid)


@contextlib.asynccontextmanager
async def _connected(settings: MessagingSettings) -> AsyncIterator[Messaging]:
    while True:
        try:
            messaging = await Messaging.connect(settings, "operator")
            break
        except VedetteError as error:
            logging.get().warning("messaging away", problem=str(error))
            await asyncio.sleep(_RETRY_SECONDS)
    try:
        yield messaging
    finally:
        await messaging.close()
