"""Backends kept warm between runs, because loading a model takes longer than many a scene. Used by worker_run.py."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock

from appliance.clients import logging
from appliance.contracts.base import Name, Sha256
from appliance.contracts.model_package import Precision
from appliance.formats.model_package import ModelPackage
from appliance.inference.backends.base import Backend

Load = Callable[[ModelPackage], Backend]


@dataclass(frozen=True)
class _Idle:
    digest: Sha256
    precision: Precision
    detector: Name
    backend: Backend


class WarmBackends:
    """A backend serves one run at a time; at most `keep` idle ones stay loaded, the ones used last."""

    def __init__(self, load: Load, keep: int = 2) -> None:
        self._load = load
        self._keep = keep
        self._idle: list[_Idle] = []
        self._leased: list[Name] = []
        self._lock = Lock()

    @contextmanager
    def lease(self, package: ModelPackage) -> Iterator[Backend]:
        """A loaded backend for this package; given back unless the run raised, when its state is not to be trusted."""
        name = package.manifest.name
        held = self._take(package) or _Idle(package.digest, package.precision, name, self._loaded(package))
        with self._lock:
            self._leased.append(name)
        try:
            yield held.backend
        except BaseException:
            held.backend.close()
            raise
        else:
            self._give_back(held)
        finally:
            with self._lock:
                self._leased.remove(name)

    def detectors(self) -> list[Name]:
        """Whose models are loaded now."""
        with self._lock:
            return sorted({*self._leased, *(idle.detector for idle in self._idle)})

    def close(self) -> None:
        with self._lock:
            idle, self._idle = self._idle, []
        for each in idle:
            each.backend.close()

    def _take(self, package: ModelPackage) -> _Idle | None:
        with self._lock:
            for index, each in enumerate(self._idle):
                if (each.digest, each.precision) == (package.digest, package.precision):
                    return self._idle.pop(index)
        return None

    def _loaded(self, package: ModelPackage) -> Backend:
        began = time.monotonic()
        backend = self._load(package)
        logging.get().info(
            "model loaded",
            detector=package.manifest.name,
            version=package.manifest.version,
            precision=package.precision.value,
            seconds=round(time.monotonic() - began, 3),
        )
        return backend

    def _give_back(self, held: _Idle) -> None:
        with self._lock:
            self._idle.insert(0, held)
            surplus, self._idle = self._idle[self._keep :], self._idle[: self._keep]
        for each in surplus:
            each.backend.close()
