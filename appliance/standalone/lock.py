"""One `vedette up` per data folder, by a lock that the kernel takes back when its holder dies, however it dies."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator

from appliance.contracts.errors import Code, VedetteError
from appliance.standalone.layout import DataFolder

_PATIENCE_SECONDS = 0.5


@contextlib.contextmanager
def held(data: DataFolder) -> Iterator[None]:
    """Hold the lock. Raises VedetteError(CONFLICT) when another holds it."""
    descriptor = os.open(data.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        deadline = time.monotonic() + _PATIENCE_SECONDS  # someone may just be asking whether it is held
        while not _take(descriptor, fcntl.LOCK_EX):
            if time.monotonic() > deadline:
                raise VedetteError(
                    Code.CONFLICT,
                    f"Vedette already runs on {data.path}.",
                    "See `vedette status`; stop it with `vedette down`, or name another folder with --data.",
                )
            time.sleep(0.05)
        yield
    finally:
        os.close(descriptor)


def is_held(data: DataFolder) -> bool:
    """Whether a supervisor lives on this folder."""
    try:
        descriptor = os.open(data.lock, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        return not _take(descriptor, fcntl.LOCK_SH)
    finally:
        os.close(descriptor)


def _take(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
