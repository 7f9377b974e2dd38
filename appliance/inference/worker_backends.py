"""Backends kept warm between runs, because loading a model takes longer than many a scene. Used by worker_run.py."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock

from appliance.clients import logging
from appliance.contracts.base import Name, Sha256
from appliance.contracts.model_package import Manifest
from appliance.formats.model_package import ModelPackage
from appliance.inference.backends.choice import Opened
from appliance.inference.batching import BatchLimits, SharedBackend

Load = Callable[[ModelPackage], Opened]
Queued = Callable[[Manifest, float], None]
"""Told how many seconds a batch of a run waited for the backend."""


@dataclass
class _Loaded:
    """`package`: as it runs at the shared backend; digest and precision are those of the package that was asked for."""

    package: ModelPackage
    shared: SharedBackend
    runs: int = 0


class WarmBackends:
    """Runs of one package share one loaded backend; at most `keep` idle ones stay loaded, the ones used last."""

    def __init__(
        self,
        load: Load,
        keep: int = 2,
        limits: BatchLimits = BatchLimits(),
        queued: Queued = lambda _manifest, _seconds: None,
    ) -> None:
        self._load = load
        self._keep = keep
        self._limits = limits
        self._queued = queued
        self._held: list[_Loaded] = []  # used last first
        self._gates: dict[Sha256, Lock] = {}
        self._lock = Lock()

    @contextmanager
    def lease(self, package: ModelPackage) -> Iterator[Opened]:
        """A seat at the loaded backend of this package, and the package as it runs there. A backend that has failed serves
        no further run."""
        with self._lock:
            gate = self._gates.setdefault(package.digest, Lock())
        with gate:  # two runs that begin at once load once
            held = self._joined(package) or self._loaded(package)
        seat = held.shared.seat()
        try:
            yield Opened(held.package, seat)
        finally:
            seat.close()
            self._left(held)

    def detectors(self) -> list[Name]:
        """Whose models are loaded now."""
        with self._lock:
            return sorted({each.package.manifest.name for each in self._held})

    def close(self) -> None:
        with self._lock:
            held, self._held = self._held, []
        for each in held:
            each.shared.close()

    def _joined(self, package: ModelPackage) -> _Loaded | None:
        with self._lock:
            for each in self._held:
                loaded = (each.package.digest, each.package.precision)
                if loaded == (package.digest, package.precision) and each.shared.sound:
                    each.runs += 1
                    return each
        return None

    def _loaded(self, package: ModelPackage) -> _Loaded:
        manifest = package.manifest
        began = time.monotonic()
        opened = self._load(package)
        logging.get().info(
            "model loaded",
            detector=manifest.name,
            version=manifest.version,
            precision=package.precision.value,
            backend=str(opened.backend.about),
            why=opened.backend.about.why,
            seconds=round(time.monotonic() - began, 3),
        )
        shared = SharedBackend(opened.backend, self._limits, lambda seconds: self._queued(manifest, seconds))
        held = _Loaded(opened.package, shared, runs=1)
        with self._lock:
            self._held.insert(0, held)
        return held

    def _left(self, held: _Loaded) -> None:
        """Close what is idle and either not sound or one too many."""
        with self._lock:
            held.runs -= 1
            self._held.sort(key=lambda each: each is not held)
            idle = [each for each in self._held if not each.runs]
            kept = [each for each in idle if each.shared.sound][: self._keep]
            surplus = [each for each in idle if each not in kept]
            self._held = [each for each in self._held if each not in surplus]
        for each in surplus:
            each.shared.close()
