"""Bounded hand-over between the threads of one run, and the one place where they learn that it is over.

Called by pipeline.py. Whoever fails first stops the others; waiting never outlasts the run.
"""

from __future__ import annotations

import queue
import threading
from typing import Generic, TypeVar

T = TypeVar("T")
_POLL_SECONDS = 0.1


class StoppedError(Exception):
    """Raised in a thread that waits when the run is over for another reason."""


class Stop:
    """Whether the run is over, and the first error if that is why."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._lock = threading.Lock()
        self.error: BaseException | None = None

    def now(self, error: BaseException | None = None) -> None:
        with self._lock:
            if self.error is None and not self._event.is_set():
                self.error = error
        self._event.set()

    @property
    def is_set(self) -> bool:
        return self._event.is_set()


class Channel(Generic[T]):
    """A queue of at most `size` things. `put` and `get` raise StoppedError once the run is over."""

    def __init__(self, size: int, stop: Stop) -> None:
        self._queue: queue.Queue[T] = queue.Queue(size)
        self._stop = stop

    def put(self, thing: T) -> None:
        while not self._stop.is_set:
            try:
                return self._queue.put(thing, timeout=_POLL_SECONDS)
            except queue.Full:
                continue
        raise StoppedError

    def get(self) -> T:
        while not self._stop.is_set:
            try:
                return self._queue.get(timeout=_POLL_SECONDS)
            except queue.Empty:
                continue
        raise StoppedError
