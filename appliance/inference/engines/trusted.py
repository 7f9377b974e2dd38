"""Files that are ours alone. Used by cache.py: a plan is executable input, so where it lies and who may write there count.

Checked on the open file, never on its name: a name may be given to another file between a check and its use.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from appliance.contracts.errors import Code, VedetteError

_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_WRITE = stat.S_IWGRP | stat.S_IWOTH


def folder(path: Path) -> Path:
    """Make it with mode 0700, or check that it is so. Raises VedetteError(INVALID) where it is not ours alone."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except FileExistsError:
        pass  # no folder: refused below
    except OSError as error:
        text = f"{path} cannot be made: {error.strerror}."
        raise VedetteError(Code.DISK, text, "Name another folder with VEDETTE_ENGINES.") from error
    found = os.lstat(path)
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & _OTHERS:
        text = f"{path} is not a folder of mode 0700 that belongs to this user, so engines there are not to be trusted."
        raise VedetteError(Code.INVALID, text, "Remove it, or name another folder with VEDETTE_ENGINES.")
    return path


def content(path: Path, most: int) -> bytes:
    """A whole file of at most `most` bytes. Raises ValueError with the reason where it is not to be trusted, and
    FileNotFoundError where there is none."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise ValueError("it is a link, or cannot be opened") from error
    with os.fdopen(descriptor, "rb") as stream:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise ValueError("it is no file")
        if found.st_nlink != 1:
            raise ValueError("it has a second name elsewhere")
        if found.st_uid != os.geteuid() or found.st_mode & _WRITE:
            raise ValueError("others may have written it")
        if found.st_size > most:
            raise ValueError("it is too large")
        return stream.read(most + 1)
