"""Engines on this machine, by key. Used by obtain.py and the CLI; knows no TensorRT and builds nothing.

A plan lies beside a record with its digest and the whole key. What does not match, in any way, is refused and removed:
it costs a build, while a plan that was tampered with runs as code. Folders are private; nothing here is ever shipped.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from pydantic import Field, ValidationError

from appliance.contracts.base import Contract, Instant, Sha256, now
from appliance.formats import digest
from appliance.inference.engines import locking, trusted
from appliance.inference.engines.spec import EngineKey

PLAN, RECORD, LOCK = ".plan", ".json", ".lock"
_MOST_RECORD = 1 << 16
_MOST_PLAN = 16 << 30
LIMIT_BYTES = 20 << 30


class Record(Contract):
    """What is known of a plan. `seconds`: how long its build took."""

    key: EngineKey
    plan: Sha256
    plan_bytes: int = Field(ge=1)
    seconds: float = Field(ge=0)
    built_at: Instant


@dataclass(frozen=True)
class Engine:
    record: Record
    plan: bytes


@dataclass(frozen=True)
class Refused:
    """Why what lay under a key was not used; it is gone."""

    why: str


class EngineCache:
    """`limit_bytes`: what all plans together may take; those used longest ago go first, the one just stored stays."""

    def __init__(self, folder: Path, limit_bytes: int = LIMIT_BYTES) -> None:
        """Raises VedetteError(INVALID) when the folder is not this user's alone."""
        self.folder = trusted.folder(folder)
        self._limit = limit_bytes

    def get(self, key: EngineKey) -> Engine | Refused | None:
        """The engine under this very key, its bytes checked; None where there is none."""
        try:
            try:
                engine = self._read(key)
            except FileNotFoundError:
                engine = self._read(key)  # it may have been stored between our looking for one file and for the other
        except FileNotFoundError:
            if os.path.lexists(self._path(key, PLAN)):
                return self._refuse(key, "it has no record of ours")
            return None
        except ValueError as error:
            return self._refuse(key, str(error))
        with contextlib.suppress(OSError):
            os.utime(self._path(key, RECORD))  # by which the cache knows what was used last
        return engine

    def put(self, key: EngineKey, plan: Path, seconds: float) -> Engine:
        """Take the plan file in; it must lie in `workshop`. The record comes first, so that no plan is ever without one."""
        content = plan.read_bytes()
        record = Record(
            key=key, plan=digest.of_bytes(content), plan_bytes=len(content), seconds=seconds, built_at=now()
        )
        part = plan.with_suffix(".record")
        part.write_text(record.model_dump_json(), "utf-8")
        part.chmod(0o600)
        part.replace(self._path(key, RECORD))
        plan.replace(self._path(key, PLAN))
        self._make_room(key)
        return Engine(record, content)

    def remove(self, name: str) -> None:
        for suffix in (PLAN, RECORD):
            (self.folder / f"{name}{suffix}").unlink(missing_ok=True)
        locking.discard(self.folder / f"{name}{LOCK}")

    def all(self) -> list[Record]:
        """The records of plans that are there, those used last first; their bytes are not read."""
        return [record for _, record in self._by_use()]

    def lock(
        self, key: EngineKey, cancelled: Callable[[], bool], waiting: Callable[[], None]
    ) -> AbstractContextManager[None]:
        return locking.held(self._path(key, LOCK), cancelled, waiting)

    def timing(self, key: EngineKey) -> Path:
        """Where the timing cache lies for this library, version and card."""
        alike = (key.library, key.library_version, key.device if isinstance(key.device, str) else key.device.name)
        return trusted.folder(self.folder / "timing") / digest.of_bytes("\n".join(alike).encode())[7:39]

    @property
    def workshop(self) -> Path:
        """The parent of folders for unfinished builds, on the same file system as the plans."""
        return trusted.folder(self.folder / "unfinished")

    def _path(self, key: EngineKey, suffix: str) -> Path:
        return self.folder / f"{key.name}{suffix}"

    def _read(self, key: EngineKey) -> Engine:
        record = _record(trusted.content(self._path(key, RECORD), _MOST_RECORD))
        plan = trusted.content(self._path(key, PLAN), _MOST_PLAN)
        if record.key != key:
            raise ValueError("it was built for something else")
        if digest.of_bytes(plan) != record.plan:
            raise ValueError("it is not what was built")
        return Engine(record, plan)

    def _refuse(self, key: EngineKey, why: str) -> Refused:
        for suffix in (PLAN, RECORD):
            self._path(key, suffix).unlink(missing_ok=True)
        return Refused(f"The engine in the cache was refused: {why}.")

    def _make_room(self, kept: EngineKey) -> None:
        held = 0
        for path, record in self._by_use():
            held += record.plan_bytes
            if held > self._limit and record.key != kept:
                self.remove(path.stem)

    def _by_use(self) -> list[tuple[Path, Record]]:
        return sorted(self._records(), key=lambda found: -_used(found[0]))

    def _records(self) -> Iterator[tuple[Path, Record]]:
        for path in self.folder.glob(f"*{RECORD}"):
            with contextlib.suppress(ValueError, FileNotFoundError):
                record = _record(trusted.content(path, _MOST_RECORD))
                if record.key.name == path.stem and path.with_suffix(PLAN).is_file():
                    yield path, record


def _record(text: bytes) -> Record:
    try:
        return Record.model_validate_json(text)
    except ValidationError:
        raise ValueError("its record is damaged") from None


def _used(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return 0.0
