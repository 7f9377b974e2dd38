"""One loaded backend for all runs of a detector that a worker does at once; tiles that wait together go through it together.

Used by worker_backends.py. A run gets a `Seat`, which is a Backend like any other. Knows no scenes and no runs.

Calls are never split: a batch is made of whole calls, one of each seat in turn, the seat served longest ago first. A seat
that is alone neither waits nor copies.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from appliance.contracts.errors import Code, VedetteError
from appliance.inference.backends.base import IN_FLIGHT, About, Backend, Outputs, interrupted

_LIVELY = 10
"""A seat that was neither asked nor answered for so many delays is not waited for: its run decodes, stores or ends."""


@dataclass(frozen=True)
class BatchLimits:
    """Batches hold at most `tiles`, unless one call alone holds more. A call waits for others at most the delay.

    vision/memory.py counts on sixteen: backends/streams.py then looks at no more tiles at once than it says there.
    """

    tiles: int = 16
    delay_milliseconds: float = 5.0


@dataclass(eq=False)
class _Call:
    seat: Seat
    tiles: NDArray[Any]
    since: float
    answer: Future[Outputs] = field(default_factory=Future)


_Batch = list[_Call]


class SharedBackend:
    """`sound` falls once the backend has failed: its state is not to be trusted any more.

    `queued` is told of every call how many seconds it waited until the backend took it.
    """

    def __init__(
        self, backend: Backend, limits: BatchLimits = BatchLimits(), queued: Callable[[float], None] = lambda _: None
    ) -> None:
        self.sound = True
        self._backend = backend
        self._limits = limits
        self._queued = queued
        self._seats: list[Seat] = []  # served longest ago first
        self._flying: list[_Batch] = []
        self._closed = False
        self._changed = threading.Condition()
        names = [f"batch-{number}" for number in range(IN_FLIGHT)]
        self._threads = [threading.Thread(target=self._serve, name=name, daemon=True) for name in names]
        for thread in self._threads:
            thread.start()

    @property
    def about(self) -> About:
        return self._backend.about

    def seat(self) -> Seat:
        """A place for one more run."""
        seat = Seat(self)
        with self._changed:
            self._seats.append(seat)
        return seat

    def close(self) -> None:
        """Every call that waits ends with an error; what is in the backend is interrupted."""
        with self._changed:
            self._closed = True
            for seat in self._seats:
                _end(seat.waiting, VedetteError(Code.INTERNAL, "The backend was closed while a run used it."))
            if self._flying:
                self._backend.interrupt()
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()
        self._backend.close()

    def ask(self, seat: Seat, tiles: NDArray[Any]) -> Future[Outputs]:
        with self._changed:
            if self._closed:
                raise VedetteError(Code.INTERNAL, "The backend is closed.")
            call = _Call(seat, tiles, time.monotonic())
            seat.waiting.append(call)
            seat.seen = call.since
            self._changed.notify_all()
        return call.answer

    def abandon(self, seat: Seat) -> None:
        """End the seat's calls. The backend itself is interrupted only while nobody else's tiles are in it."""
        with self._changed:
            _end(seat.waiting, interrupted())
            flying = [call for batch in self._flying for call in batch if not call.answer.done()]
            mine = [call for call in flying if call.seat is seat]
            if mine and len(mine) == len(flying):
                self._backend.interrupt()
            _end(mine, interrupted())

    def leave(self, seat: Seat) -> None:
        with self._changed:
            _end(seat.waiting, interrupted())
            if seat in self._seats:
                self._seats.remove(seat)
            self._changed.notify_all()

    def _serve(self) -> None:
        while (batch := self._next()) is not None:
            self._fly(batch)
            with self._changed:
                self._flying.remove(batch)

    def _next(self) -> _Batch | None:
        with self._changed:
            while not self._closed:
                pause = self._pause(time.monotonic())
                if pause == 0:
                    batch = _take(self._seats, self._limits.tiles)
                    self._flying.append(batch)
                    return batch
                self._changed.wait(pause)
        return None

    def _pause(self, now: float) -> float | None:
        """Seconds until a batch is to be made: 0 now, None while nothing waits."""
        waiting = [call for seat in self._seats for call in seat.waiting]
        if not waiting:
            return None
        delay = self._limits.delay_milliseconds / 1000
        awaited = any(not seat.waiting and now - seat.seen < _LIVELY * delay for seat in self._seats)
        if not awaited or sum(len(call.tiles) for call in waiting) >= self._limits.tiles:
            return 0
        return max(0.0, min(call.since for call in waiting) + delay - now)

    def _fly(self, batch: _Batch) -> None:
        """Answer every call of the batch. When it fails each call is tried alone: one run's error touches no other."""
        calls = [call for call in batch if not call.answer.done()]
        if not calls:
            return
        began = time.monotonic()
        try:
            answers = self._infer([call.tiles for call in calls])
        except BaseException as error:  # whatever it is, the run that asked raises it
            self.sound &= isinstance(error, VedetteError) and error.reason.code is Code.CANCELLED
            if len(calls) > 1:
                for call in calls:
                    self._fly([call])
            else:
                self._answered(calls[0], error)
            return
        for call, outputs in zip(calls, answers, strict=True):
            self._queued(began - call.since)
            self._answered(call, outputs)

    def _answered(self, call: _Call, with_what: Outputs | BaseException) -> None:
        with self._changed:
            call.seat.seen = time.monotonic()
            if isinstance(with_what, BaseException):
                _end([call], with_what)
            elif not call.answer.done():
                call.answer.set_result(with_what)

    def _infer(self, parts: Sequence[NDArray[Any]]) -> list[Outputs]:
        if len(parts) == 1:
            return [self._backend.infer(parts[0])]
        outputs = self._backend.infer(np.concatenate(parts))
        ends = np.cumsum([len(part) for part in parts])
        # Copied: a view would keep the whole batch's outputs as long as the slowest run keeps its own.
        return [
            {name: array[end - len(part) : end].copy() for name, array in outputs.items()}
            for part, end in zip(parts, ends, strict=True)
        ]


class Seat:
    """One run's place at a shared backend; used like the backend itself."""

    def __init__(self, shared: SharedBackend) -> None:
        self.waiting: deque[_Call] = deque()
        self.seen = time.monotonic()
        self._shared = shared

    @property
    def about(self) -> About:
        return self._shared.about

    def infer(self, tiles: NDArray[Any]) -> Outputs:
        """As Backend.infer. Raises what the backend raised on these tiles, VedetteError(CANCELLED) once interrupted."""
        return self._shared.ask(self, tiles).result()

    def interrupt(self) -> None:
        """End this seat's calls, and no other's."""
        self._shared.abandon(self)

    def close(self) -> None:
        """Leave the place; the backend stays loaded."""
        self._shared.leave(self)


def _take(seats: list[Seat], room: int) -> _Batch:
    """Whole calls that fit, one of each seat in turn; the first in any case. Seats that were served move to the end."""
    taken: _Batch = []
    more = True
    while more:
        more = False
        for seat in seats:
            if seat.waiting and (not taken or len(seat.waiting[0].tiles) <= room):
                call = seat.waiting.popleft()
                taken.append(call)
                room -= len(call.tiles)
                more = len(seats) > 1
    served = {call.seat for call in taken}
    seats.sort(key=served.__contains__)
    return taken


def _end(calls: Sequence[_Call] | deque[_Call], error: BaseException) -> None:
    for call in calls:
        if not call.answer.done():
            call.answer.set_exception(error)
    if isinstance(calls, deque):
        calls.clear()
