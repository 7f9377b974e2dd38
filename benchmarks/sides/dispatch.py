"""Ours, and the bare pull consumer: jobs published one by one to a worker that waits, then a backlog.

`--frame ours` publishes and takes through appliance.clients, `bare` through nats-py. Reads VEDETTE_NATS_*.
"""

from __future__ import annotations

import argparse
import asyncio
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from appliance.clients.messaging import Messaging
from appliance.clients.settings import MessagingSettings
from appliance.contracts.base import Contract
from appliance.contracts.messages import LANES_STREAM
from benchmarks import marks
from benchmarks.sides.process import answer

_PAUSE_SECONDS = 0.005
_WARM_UP = 5

Publish = Callable[[int], Awaitable[None]]


class Job(Contract):
    sent_ns: int


async def measure(frame: str, waiting: int, backlog: int, folder: Path) -> dict[str, float]:
    messaging = await Messaging.connect(MessagingSettings(), "bench-publisher")
    try:
        await messaging.ensure_streams()
        publish = _publisher(messaging, frame)
        one_by_one, at_once = folder / "one-by-one", folder / "at-once"
        with _worker(frame, one_by_one):
            for number in range(_WARM_UP + waiting):
                await publish(number)
                await asyncio.to_thread(marks.wait, one_by_one, number + 1)
                await asyncio.sleep(_PAUSE_SECONDS)
        for number in range(backlog):
            await publish(_WARM_UP + waiting + number)
        with _worker(frame, at_once):
            await asyncio.to_thread(marks.wait, at_once, backlog)
        await messaging._stream.purge_stream(LANES_STREAM)  # the last one may not be acknowledged yet
    finally:
        await messaging.close()
    return marks.figures(marks.read(one_by_one)[_WARM_UP:], marks.read(at_once))


def _publisher(messaging: Messaging, frame: str) -> Publish:
    async def framed(number: int) -> None:
        subject = f"lanes.bench.{frame}.{number}"
        await messaging.publish(subject, Job(sent_ns=time.monotonic_ns()), f"{time.time_ns()}")

    async def bare(number: int) -> None:
        payload = b'{"sent_ns": %d}' % time.monotonic_ns()
        await messaging._stream.publish(f"lanes.bench.{frame}.{number}", payload)

    return framed if frame == "ours" else bare


@contextmanager
def _worker(frame: str, path: Path) -> Iterator[None]:
    command = [sys.executable, "-m", "benchmarks.sides.dispatch_worker", "--frame", frame, "--marks", str(path)]
    process = subprocess.Popen(command)
    try:
        yield
    finally:
        process.terminate()
        process.wait()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--frame", choices=("ours", "bare"), required=True)
    parser.add_argument("--waiting", type=int, required=True)
    parser.add_argument("--backlog", type=int, required=True)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        answer(**asyncio.run(measure(given.frame, given.waiting, given.backlog, Path(folder))))


if __name__ == "__main__":
    main()
