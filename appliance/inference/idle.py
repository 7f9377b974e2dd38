"""How long the model had nothing to look at: decoding, cutting or reading from the store held it up. Counted by pipeline.py."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock


class IdleClock:
    """Time with no batch in the model, from when the clock is made until the last batch begins. Any number of threads."""

    def __init__(self, now: Callable[[], float] = time.perf_counter) -> None:
        self._now = now
        self._lock = Lock()
        self._inside = 0
        self._since = now()
        self._seconds = 0.0

    @property
    def seconds(self) -> float:
        with self._lock:
            return self._seconds

    @contextmanager
    def busy(self) -> Iterator[None]:
        """A batch is in the model."""
        with self._lock:
            if self._inside == 0:
                self._seconds += self._now() - self._since
            self._inside += 1
        try:
            yield
        finally:
            with self._lock:
                self._inside -= 1
                self._since = self._now()
