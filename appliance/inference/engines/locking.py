"""One builder per key among processes. Used by cache.py.

A lock is a file lock, which the kernel gives back when its owner dies, however it dies; process ids do not hold across
containers, and their numbers come again.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from appliance.contracts.errors import Code, VedetteError

_LOOK_SECONDS = 0.1


@contextlib.contextmanager
def held(path: Path, cancelled: Callable[[], bool], waiting: Callable[[], None]) -> Iterator[None]:
    """Hold the lock at `path`; `waiting` is called each tenth of a second that another process has it.

    Raises VedetteError(CANCELLED) when `cancelled` says so before it is ours.
    """
    while True:
        descriptor = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            if _taken(descriptor) and _still_there(descriptor, path):
                try:
                    yield
                finally:
                    path.unlink(missing_ok=True)  # those who wait for this very file see that it is gone
                return
        finally:
            os.close(descriptor)
        if cancelled():
            text = "The build was cancelled while another process built the same engine."
            raise VedetteError(Code.CANCELLED, text, "Build again at any time.")
        waiting()
        time.sleep(_LOOK_SECONDS)


def discard(path: Path) -> None:
    """Remove the lock file, unless somebody holds it."""
    with contextlib.suppress(FileNotFoundError):
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
        try:
            if _taken(descriptor):
                path.unlink()
        finally:
            os.close(descriptor)


def _taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _still_there(descriptor: int, path: Path) -> bool:
    """A lock file may be removed with its engine between our opening and locking it."""
    try:
        return os.fstat(descriptor).st_ino == path.stat().st_ino
    except FileNotFoundError:
        return False
