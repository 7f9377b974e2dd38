"""What was measured on this machine before, a small private file for each key. Used by choice.py; decides nothing.

A file is read strictly and never repaired: one that is damaged, anybody else's, or of another version of this form counts as
not there, and the machine is measured again. Where nothing can be written, nothing is remembered.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError

from appliance.contracts.base import Contract, Sha256
from appliance.inference.backends.ranking import Measured

_LARGEST = 64 << 10


class Remembered(Contract):
    """The file. `key` is repeated in it: a file that was copied to another name is not believed."""

    schema_version: Literal[1] = 1
    key: Sha256
    measured: list[Measured] = Field(min_length=1, max_length=20)


def folder() -> Path:
    """~/.cache/vedette/backends, or below XDG_CACHE_HOME."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "vedette" / "backends"


def load(place: Path, key: Sha256) -> list[Measured] | None:
    """None where there is nothing to believe."""
    try:
        handle = os.open(_file(place, key), os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return None
    with os.fdopen(handle, "rb") as file:
        about = os.fstat(handle)
        if not stat.S_ISREG(about.st_mode) or about.st_uid != os.geteuid() or about.st_mode & 0o022:
            return None
        data = file.read(_LARGEST + 1)
    try:
        found = Remembered.model_validate_json(data, strict=True)
    except ValidationError:
        return None
    return found.measured if len(data) <= _LARGEST and found.key == key else None


def save(place: Path, key: Sha256, measured: list[Measured]) -> None:
    """Whole or not at all."""
    text = Remembered(key=key, measured=measured).model_dump_json(indent=1)
    try:
        place.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.NamedTemporaryFile("w", dir=place, prefix=".new-", delete=False, encoding="utf-8") as file:
            try:
                file.write(text)
                file.close()
                Path(file.name).replace(_file(place, key))
            except BaseException:
                Path(file.name).unlink(missing_ok=True)
                raise
    except OSError:
        return  # a full disk or a folder that may not be written: the next process measures again


@contextlib.contextmanager
def measuring_alone(place: Path) -> Iterator[None]:
    """Two processes that measured at once would each find the machine half as fast; the second waits, and then remembers.

    The lock ends with its process. Where there can be none, nobody waits.
    """
    try:
        place.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = os.open(place / ".measuring", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError:
        yield
        return
    try:
        with contextlib.suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _file(place: Path, key: Sha256) -> Path:
    return place / f"{key.removeprefix('sha256:')}.json"
