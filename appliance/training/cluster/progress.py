"""What the trainer is doing, told to the operator through NATS (ADR 16). Called by run.py through the loop's watch.

A thread of its own with a connection of its own: a server that is away, slow or full never delays a step.
"""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass, field

from appliance.clients import logging
from appliance.clients.messaging import Messaging
from appliance.clients.settings import MessagingSettings
from appliance.contracts.base import now
from appliance.contracts.errors import VedetteError
from appliance.contracts.resources.training_status import MetricValue, TrainerStatus
from appliance.training.watch import Epoch, Moment

EVERY_SECONDS = 5.0
_LONGEST = 31_536_000
_NAMES = {"f1@0.5": "f1", "precision@0.5": "precision", "recall@0.5": "recall", "ap": "ap", "ap50": "ap50"}
"""As spec.goal.metric has them: f1, precision and recall at an IoU of 0.5."""


def by_metric(figures: dict[str, float]) -> dict[str, float]:
    """The figures of evaluation.report under the names of spec.goal.metric."""
    return {name: figures[key] for key, name in _NAMES.items() if key in figures}


def metrics_of(figures: dict[str, float], first: str) -> list[MetricValue]:
    named = by_metric(figures)
    ordered = sorted(named, key=lambda name: name != first)
    return [MetricValue(name=name, value=named[name]) for name in ordered]


@dataclass
class Progress:
    """Collects what the loop tells; `status` is what stands on the board."""

    goal: str
    _moment: Moment = field(default=Moment(0, 0, 0.0, 0.0))
    _metrics: list[MetricValue] = field(default_factory=list)

    def moved(self, moment: Moment) -> None:
        self._moment = moment

    def told(self, epoch: Epoch) -> None:
        if epoch.figures:
            self._metrics = metrics_of(epoch.figures, self.goal)
        logging.get().info(
            "epoch", epoch=epoch.epoch, of=epoch.epochs, loss=round(epoch.loss, 4), **by_metric(epoch.figures)
        )

    def status(self) -> TrainerStatus:
        """At most 99 percent: the package is still to be written and measured when the last step is done."""
        moment = self._moment
        return TrainerStatus(
            progress_percentage=min(99, int(moment.done * 100)),
            estimated_remaining_seconds=min(_LONGEST, round(moment.seconds_left)) if moment.step else None,
            epoch=moment.epoch,
            metrics=self._metrics,
            last_updated_time=now(),
        )


class Announcer:
    """Puts the status onto the board every five seconds until the end of the block."""

    def __init__(self, settings: MessagingSettings, uid: str, progress: Progress) -> None:
        self._settings, self._uid, self._progress = settings, uid, progress
        self._end = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._announce()), name="progress", daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join(timeout=5)

    async def _announce(self) -> None:
        messaging = await self._connected()
        if messaging is None:
            return
        while not self._end.is_set():
            try:
                await messaging.trainers.put(self._uid, self._progress.status())
            except VedetteError as error:
                logging.get().warning("progress not told", reason=str(error.reason))
            await self._pause()
        await messaging.close()

    async def _connected(self) -> Messaging | None:
        while not self._end.is_set():
            try:
                messaging = await Messaging.connect(self._settings, "trainer")
                await messaging.ensure_streams()
            except VedetteError:
                await self._pause()
            else:
                return messaging
        return None

    async def _pause(self) -> None:
        for _ in range(round(EVERY_SECONDS * 10)):
            if self._end.is_set():
                return
            await asyncio.sleep(0.1)
