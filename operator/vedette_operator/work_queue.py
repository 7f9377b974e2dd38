"""What is to be looked at, by key: each key by one at a time, soon after something happened or at a moment asked for.

A key that is added often is looked at once; one that fails is tried again later and later. client-go calls this a
rate-limiting work queue; no library for asyncio has one with keys, so this is ours. Knows nothing of Kubernetes.
"""

from __future__ import annotations

import asyncio
import heapq
import time
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
Handler = Callable[[K, float], Awaitable[float | None]]
"""(key, seconds that it waited) -> in how many seconds to look again, None: when something happens. May raise."""

FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.2, 60.0


def pause(failures: int) -> float:
    """Before the next try, after so many failures in a row."""
    return float(min(FIRST_PAUSE_SECONDS * 2 ** min(failures - 1, 30), LONGEST_PAUSE_SECONDS))


class WorkQueue(Generic[K]):
    def __init__(self) -> None:
        self._due: dict[K, float] = {}
        self._since: dict[K, float] = {}
        self._heap: list[tuple[float, int, K]] = []
        self._busy: set[K] = set()
        self._failures: dict[K, int] = {}
        self._changed = asyncio.Event()
        self._number = 0

    def __len__(self) -> int:
        """Keys that wait for nothing but their turn. May be asked by another thread, which serves metrics."""
        now = _clock()
        return sum(at <= now for at in list(self._due.values()))

    def add(self, key: K, after: float = 0.0) -> None:
        """To be looked at in so many seconds, or earlier where that was asked for already."""
        now = _clock()
        at = now + after
        if after == 0.0:
            self._since.setdefault(key, now)
        if at < self._due.get(key, float("inf")):
            self._due[key] = at
            self._number += 1
            heapq.heappush(self._heap, (at, self._number, key))
            self._changed.set()

    async def run(self, handler: Handler[K], concurrency: int) -> None:
        """Ends only when cancelled, after what is in work has been cancelled too."""
        async with asyncio.TaskGroup() as group:
            for _ in range(concurrency):
                group.create_task(self._work(handler))

    async def _work(self, handler: Handler[K]) -> None:
        while True:
            key = await self._next()
            try:
                await self._handle(key, handler)
            finally:
                self._busy.discard(key)
                if key in self._due:
                    heapq.heappush(self._heap, (self._due[key], 0, key))
                    self._changed.set()

    async def _handle(self, key: K, handler: Handler[K]) -> None:
        since = self._since.pop(key, None)
        try:
            again = await handler(key, 0.0 if since is None else _clock() - since)
        except Exception:  # told by the handler; whatever it was, it is tried again
            failures = self._failures[key] = self._failures.get(key, 0) + 1
            self.add(key, pause(failures))
        else:
            self._failures.pop(key, None)
            if again is not None:
                self.add(key, max(again, 0.001))

    async def _next(self) -> K:
        while True:
            key, wait = self._pop()
            if key is not None:
                return key
            self._changed.clear()
            try:
                async with asyncio.timeout(wait):
                    await self._changed.wait()
            except TimeoutError:
                continue

    def _pop(self) -> tuple[K | None, float | None]:
        """A key whose time has come, or how long until the next one's."""
        now = _clock()
        while self._heap:
            at, _, key = self._heap[0]
            stale = self._due.get(key) != at or key in self._busy  # one that is in work comes back when it is done
            if not stale and at > now:
                return None, at - now
            heapq.heappop(self._heap)
            if not stale:
                del self._due[key]
                self._busy.add(key)
                return key, None
        return None, None


def _clock() -> float:
    return time.monotonic()
