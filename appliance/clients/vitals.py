"""Whether a process lives and may be given work, as Kubernetes' probes ask. Kept by worker_process.py and the model cache.

Alive: its event loop turned lately. Ready: its last announcement was stored lately; while the queue is away a worker is not
ready, and must not be killed for that.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

_LATELY_SECONDS = 30.0
_TURN_SECONDS = 1.0


class Vitals:
    """Written on the event loop, read by the thread that answers probes. `clock` counts seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._turned = clock()
        self._stored: float | None = None

    def turned(self) -> None:
        self._turned = self._clock()

    def stored(self) -> None:
        """An announcement was."""
        self._stored = self._clock()

    @property
    def alive(self) -> bool:
        return self._clock() - self._turned < _LATELY_SECONDS

    @property
    def ready(self) -> bool:
        return self.alive and self._stored is not None and self._clock() - self._stored < _LATELY_SECONDS

    async def beat(self, works: Callable[[], bool] = lambda: False) -> None:
        """For as long as the loop turns. `works` stands in for announcements where there are none."""
        while True:
            self.turned()
            if works():
                self.stored()
            await asyncio.sleep(_TURN_SECONDS)
