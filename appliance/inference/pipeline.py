"""Decode, infer and collect at the same time. Called by predict.py, which waits here, reports progress and cancels.

Threads: the reader's decoders -> feeder -> model -> collector, with bounded hand-over between them. The first error stops
all of them and is raised in the caller's thread.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from appliance.contracts.errors import Code, VedetteError
from appliance.inference.backends.base import IN_FLIGHT, Backend, Outputs
from appliance.inference.channel import Channel, Stop, StoppedError
from appliance.inference.collect import Collector
from appliance.inference.feeder import BandEnd, Batch, Feeder
from appliance.inference.idle import IdleClock
from appliance.inference.reader import StripReader

_BUFFERS = 4
_POLL_SECONDS = 0.1
Infer = Callable[[NDArray[Any]], Outputs]


@dataclass(frozen=True)
class Stages:
    """What the threads run."""

    reader: StripReader
    feeder: Feeder
    backend: Backend
    collector: Collector
    buffer: Callable[[], NDArray[Any]]


def run(stages: Stages, first_band: int, watch: Callable[[], bool]) -> float:
    """Everything from `first_band` on. `watch` is called ten times a second; when it returns True the run is cancelled.

    Returns the seconds in which the model had nothing to look at. Raises what a stage raised, or VedetteError(CANCELLED).
    """
    stop = Stop()
    idle = IdleClock()
    free: Channel[NDArray[Any]] = Channel(_BUFFERS, stop)
    batches: Channel[Batch | BandEnd | None] = Channel(_BUFFERS * 64, stop)
    results: Channel[tuple[Batch, Outputs] | BandEnd | None] = Channel(_BUFFERS * 64, stop)
    for _ in range(_BUFFERS):
        free.put(stages.buffer())

    def feed() -> None:
        with stages.reader as reader:
            stages.feeder.feed(reader, first_band, free, batches)

    threads = [
        _thread("feed", feed, stop),
        _thread("infer", lambda: _infer(_attended(stages.backend, idle), free, batches, results, stop), stop),
        _thread("collect", lambda: _collect(stages.collector, results), stop),
    ]
    try:
        _wait(threads, stop, watch)
    finally:
        stop.now()
        if any(thread.is_alive() for thread in threads):
            stages.backend.interrupt()
        for thread in threads:
            thread.join()
    if stop.error is not None:
        raise stop.error
    return idle.seconds


def _attended(backend: Backend, idle: IdleClock) -> Infer:
    def infer(tiles: NDArray[Any]) -> Outputs:
        with idle.busy():
            return backend.infer(tiles)

    return infer


def _wait(threads: list[threading.Thread], stop: Stop, watch: Callable[[], bool]) -> None:
    while any(thread.is_alive() for thread in threads) and not stop.is_set:
        threads[-1].join(_POLL_SECONDS)
        if watch() and any(thread.is_alive() for thread in threads):
            raise VedetteError(Code.CANCELLED, "The run was cancelled.")


def _thread(name: str, work: Callable[[], None], stop: Stop) -> threading.Thread:
    def guarded() -> None:
        try:
            work()
        except StoppedError:
            pass
        except BaseException as error:  # whatever it is, the caller's thread raises it
            stop.now(error)

    thread = threading.Thread(target=guarded, name=name, daemon=True)
    thread.start()
    return thread


def _infer(
    infer: Infer,
    free: Channel[NDArray[Any]],
    batches: Channel[Batch | BandEnd | None],
    results: Channel[tuple[Batch, Outputs] | BandEnd | None],
    stop: Stop,
) -> None:
    """Results leave in the order in which batches came."""
    flying: deque[tuple[Batch, Future[Outputs]] | BandEnd] = deque()

    def land() -> None:
        first = flying.popleft()
        if isinstance(first, BandEnd):
            results.put(first)
            return
        batch, future = first
        outputs = future.result()
        if stop.is_set:
            raise StoppedError
        free.put(batch.pixels)
        results.put((batch, outputs))

    with ThreadPoolExecutor(IN_FLIGHT, thread_name_prefix="infer") as pool:
        while (message := batches.get()) is not None:
            if isinstance(message, BandEnd):
                flying.append(message)
            else:
                flying.append((message, pool.submit(infer, message.pixels[: len(message.tiles)])))
            while len(flying) >= IN_FLIGHT or (flying and isinstance(flying[0], BandEnd)):
                land()
        while flying:
            land()
    results.put(None)


def _collect(collector: Collector, results: Channel[tuple[Batch, Outputs] | BandEnd | None]) -> None:
    while (message := results.get()) is not None:
        if isinstance(message, BandEnd):
            collector.band_end(message.band, message.skipped)
        else:
            collector.batch(*message)
