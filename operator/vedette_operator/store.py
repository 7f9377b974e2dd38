"""What the object store holds of what resources name: packages by their digest, snapshots by their manifest. Called by observe.py.

Looks run in threads, one at a time for each key, and are remembered for a while. While the store is away, what was last seen
is still so; what was never seen is unknown.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from typing import Literal

import yaml
from pydantic import ValidationError

from appliance.clients.objectstore import ObjectStore
from appliance.contracts import keys, snapshot
from appliance.contracts.errors import Code, VedetteError
from appliance.contracts.model_package import MANIFEST_FILE, Manifest
from appliance.contracts.resources.base import package_name, package_version
from vedette_operator.reconcile.observed import Package

_THERE_SECONDS, _MISSING_SECONDS = 30.0, 2.0
_AT_ONCE = 8
_MOST_LOOKS = 8192
_LIMIT_BYTES = 4 << 20
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml's, where PyYAML was built with it: ten times as fast."""


@dataclass(frozen=True)
class Look:
    """`text`: what stands there; None: nothing. `known` False: the store has not answered since we began."""

    known: bool
    text: str | None = None


@dataclass(frozen=True)
class Found:
    """A model package. `digest` is set where it is there."""

    state: Literal["there", "missing", "unknown"]
    digest: str = ""
    package: Package | None = None


class Store:
    """`store` None: there is none to ask, and all is unknown."""

    def __init__(self, store: ObjectStore | None) -> None:
        self._store = store
        self._looks: dict[str, tuple[float, Look]] = {}
        self._locks: dict[str, asyncio.Lock] = {}
        self._at_once = asyncio.Semaphore(_AT_ONCE)

    async def package(self, uri: str) -> Found:
        name, version = package_name(uri), package_version(uri)
        digest = await self._look(keys.package_digest(name, version), self._read)
        if not digest.known:
            return Found("unknown")
        if digest.text is None:
            return Found("missing")
        manifest = await self._look(f"{keys.model_prefix(name, version)}{MANIFEST_FILE}", self._read)
        return Found("there", digest.text.strip(), _package(manifest.text))

    async def snapshot(self, digest: str) -> bool | None:
        """Whether it is there; None: unknown."""
        look = await self._look(f"{keys.snapshot_prefix(digest)}{snapshot.MANIFEST_FILE}", self._stat)
        return look.text is not None if look.known else None

    async def _look(self, key: str, ask: Callable[[str], str | None]) -> Look:
        async with self._locks.setdefault(key, asyncio.Lock()):
            now = asyncio.get_running_loop().time()
            until, known = self._looks.get(key, (0.0, Look(False)))
            if now < until:
                return known
            async with self._at_once:
                look = await self._asked(key, ask, known)
            kept = _THERE_SECONDS if look.text is not None and look.known else _MISSING_SECONDS
            self._remember(key, asyncio.get_running_loop().time() + kept, look)
            return look

    def _remember(self, key: str, until: float, look: Look) -> None:
        """What was looked at longest ago is forgotten once there are too many: packages come and go for years."""
        self._looks.pop(key, None)
        self._looks[key] = (until, look)
        for old in list(islice(self._looks, max(0, len(self._looks) - _MOST_LOOKS))):
            if not self._locks[old].locked():
                del self._looks[old], self._locks[old]

    async def _asked(self, key: str, ask: Callable[[str], str | None], known: Look) -> Look:
        try:
            return Look(True, await asyncio.to_thread(ask, key))
        except VedetteError as error:
            if error.reason.code is Code.NOT_FOUND:
                return Look(True)
            return known

    def _read(self, key: str) -> str | None:
        return self._opened.get_bytes(key, _LIMIT_BYTES).decode("utf-8", "replace")

    def _stat(self, key: str) -> str | None:
        found = self._opened.stat(key)
        return None if found is None else found.etag

    @property
    def _opened(self) -> ObjectStore:
        if self._store is None:
            raise VedetteError(Code.UNAVAILABLE, "No object store is configured.", "Set VEDETTE_STORE_ENDPOINT.")
        return self._store


@functools.lru_cache(maxsize=4096)
def _package(text: str | None) -> Package | None:
    """None where the manifest is not there or not to be read: the worker then says why. Remembered: to read YAML takes as
    long as the rest of a reconcile."""
    if text is None:
        return None
    try:
        manifest = Manifest.model_validate(yaml.load(text, _LOADER))  # noqa: S506 - a safe one
    except (yaml.YAMLError, ValidationError, RecursionError, ValueError):
        return None
    return Package(manifest.running_point.threshold, frozenset(str(each.precision) for each in manifest.variants))
