"""Private folders for unfinished work, which never outlive their process.

Used by worker_process.py for every worker, by the API, and for what an engine is built in. Knows nothing of what lies in them.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from appliance.contracts.errors import Code, VedetteError

_LOCK = ".lock"
_ATTEMPTS = 10
"""One is lost only to a process that starts between two system calls of this one."""


@contextlib.contextmanager
def private_folder(parent: Path) -> Iterator[Path]:
    """A folder of mode 0700 that is removed at the end; what dead processes left beside it is removed at the start.

    A folder is in use while its lock file is locked: that holds across containers, where process ids do not. Raises
    VedetteError(UNAVAILABLE, retryable) when other processes remove it again and again before it is locked.
    """
    parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    for left in parent.iterdir():
        _remove_if_abandoned(left)
    with _own(parent) as folder:
        yield folder


@contextlib.contextmanager
def _own(parent: Path) -> Iterator[Path]:
    """Between its making and its locking a folder looks abandoned: it is taken only where it is still there afterwards."""
    for _ in range(_ATTEMPTS):
        folder = Path(tempfile.mkdtemp(prefix="process-", dir=parent))
        descriptor = os.open(folder / _LOCK, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if _is_in_place(folder / _LOCK, descriptor):
                yield folder
                return
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            os.close(descriptor)
    raise VedetteError(
        Code.UNAVAILABLE, f"Other processes remove every new folder in {parent}.", "Try again.", retryable=True
    )


def _is_in_place(lock: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(lock.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _remove_if_abandoned(folder: Path) -> None:
    with contextlib.suppress(OSError):
        descriptor = os.open(folder / _LOCK, os.O_RDWR | os.O_CLOEXEC)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
        finally:
            os.close(descriptor)
