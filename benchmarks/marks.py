"""When jobs started, told by workers through a file: sixteen bytes each, when it was sent and when it began.

Used by both sides of `dispatch`, also in the peers' environment: the standard library alone. Times are nanoseconds of the
machine's monotonic clock, which all processes share.
"""

from __future__ import annotations

import os
import struct
import time
from pathlib import Path

_MARK = struct.Struct("<qq")
_POLL_SECONDS = 0.0005
_LONGEST_SECONDS = 120.0


def started(path: str, sent: int) -> None:
    """A job that was sent at `sent` begins now. The first thing a handler does."""
    mark = _MARK.pack(sent, time.monotonic_ns())
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(descriptor, mark)
    os.close(descriptor)


def count(path: Path) -> int:
    return path.stat().st_size // _MARK.size if path.exists() else 0


def wait(path: Path, number: int) -> None:
    """Until so many have started. Raises TimeoutError after two minutes."""
    deadline = time.monotonic() + _LONGEST_SECONDS
    while count(path) < number:
        if time.monotonic() > deadline:
            raise TimeoutError(f"only {count(path)} of {number} jobs have started")
        time.sleep(_POLL_SECONDS)


def read(path: Path) -> list[tuple[int, int]]:
    return list(_MARK.iter_unpack(path.read_bytes()))


def figures(waiting: list[tuple[int, int]], backlog: list[tuple[int, int]]) -> dict[str, float]:
    """Of jobs that were sent one by one to a worker that waits: milliseconds until they began, p50 and p95. Of a backlog:
    jobs for a second, from the first that began to the last."""
    waits = sorted((began - sent) / 1e6 for sent, began in waiting)
    starts = sorted(began for _, began in backlog)
    return {
        "p50": waits[len(waits) // 2],
        "p95": waits[min(len(waits) - 1, int(len(waits) * 0.95))],
        "rate": (len(starts) - 1) / ((starts[-1] - starts[0]) / 1e9),
    }
