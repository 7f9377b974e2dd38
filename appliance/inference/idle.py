"""For how long a run's backend had nothing to look at because nothing was decoded yet. Used by pipeline.py; knows no tiles."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

from numpy.typing import NDArray

from appliance.inference.backends.base import Outputs

T = TypeVar("T")


class Idle:
    """`seconds` grows by what a wait for the next batch lasts beyond the end of the batches that are looked at."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._lock = threading.Lock()
        self._looking = 0
        self._ended = time.monotonic()

    def during(self, infer: Callable[[NDArray[Any]], Outputs], tiles: NDArray[Any]) -> Outputs:
        """What `infer` says of these tiles, which are looked at meanwhile."""
        with self._lock:
            self._looking += 1
        try:
            return infer(tiles)
        finally:
            with self._lock:
                self._looking -= 1
                self._ended = time.monotonic()

    def until(self, get: Callable[[], T]) -> T:
        """What `get` waits for."""
        began = time.monotonic()
        got = get()
        with self._lock:
            if not self._looking:
                self.seconds += max(0.0, time.monotonic() - max(began, self._ended))
        return got
