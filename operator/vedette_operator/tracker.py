"""What the handlers and the audit report -> the cache, and which resource is to be looked at for it. Knows neither kopf nor the client."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any

from vedette_operator import seen
from vedette_operator.cache import Cache
from vedette_operator.seen import Key
from vedette_operator.translate import translated
from vedette_operator.work_queue import WorkQueue

QUEUE_SECONDS = 2.0
"""A queue changes with every run; its detector is looked at no more often than this for it."""


class Tracker:
    def __init__(self, cache: Cache, queue: WorkQueue[Key]) -> None:
        self.cache, self._queue = cache, queue
        self.heard = float("-inf")
        """When the last event came, by the loop's clock. Our own Lease is renewed every two seconds, and is watched."""

    def beat(self) -> None:
        self.heard = asyncio.get_running_loop().time()

    def changed(self, raw: Mapping[str, Any]) -> None:
        found = translated(raw)
        if self.cache.put(found):
            self._mark(found)

    def deleted(self, raw: Mapping[str, Any]) -> None:
        """What we deleted ourselves is forgotten already; what is to come in its place waits for this word all the same."""
        found = translated(raw)
        self.cache.drop(found.key, found.uid)
        self._mark(found)

    def listed(self, kind: str, raws: Iterable[Mapping[str, Any]], version: int) -> None:
        for each in self.cache.listed(kind, map(translated, raws), version):
            self._mark(each)

    def queue_changed(self, detector: str) -> None:
        if self.cache.custom(("Detector", detector)) is not None:
            self._queue.add(("Detector", detector), QUEUE_SECONDS)

    def trainer_changed(self, uid: str) -> None:
        for each in self.cache.of_kind("TrainingJob"):
            if each.uid == uid:
                self._queue.add(each.key, QUEUE_SECONDS)

    def everything(self) -> None:
        for kind in ("Detector", "TrainingJob"):
            for each in self.cache.of_kind(kind):
                self._queue.add(each.key)

    def _mark(self, found: seen.Seen) -> None:
        if isinstance(found, seen.Custom):
            self._queue.add(found.key)
        elif found.belongs is not None:
            self._queue.add(found.belongs)
        if isinstance(found, seen.ConfigMap):
            for key in _naming(self.cache, found.name):
                self._queue.add(key)


def _naming(cache: Cache, name: str) -> Iterable[Key]:
    """The resources whose spec names that ConfigMap."""
    for kind in ("Detector", "TrainingJob"):
        for each in cache.of_kind(kind):
            if isinstance(each, seen.Custom) and name in _names(each.document.get("spec") or {}):
                yield each.key


def _names(spec: Mapping[str, Any]) -> set[str]:
    """Of the ConfigMaps in a spec that may be older than a rule."""
    found = set()
    for field in ("recipe", "geofence", "configuration"):
        source = spec.get(field)
        reference = source.get("configMapRef") if isinstance(source, dict) else None
        if isinstance(reference, dict):
            found.add(str(reference.get("name")))
    return found
