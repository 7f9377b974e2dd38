"""Model packages on this machine's disk, by digest: fetched once, verified, renamed into place.

Used by worker_run.py, by the engine and gate Jobs and by the model cache. Several processes may share the folder. Where files
come from is package_sources.py; nothing is known of what a package is for.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from threading import Lock

from appliance.clients import logging
from appliance.clients.objectstore import ObjectStore
from appliance.contracts.base import Sha256
from appliance.contracts.errors import Code, VedetteError
from appliance.formats import model_package
from appliance.formats.model_package import ModelPackage
from appliance.inference.package_sources import ModelCacheSource, PackageSource, StoreSource


class PackageCache:
    """At most `maximum_bytes` on disk, but always the package asked for last. The sources are asked in order."""

    def __init__(self, folder: Path, sources: Sequence[PackageSource], maximum_bytes: int = 16 << 30) -> None:
        self._folder = folder
        self._sources = sources
        self._maximum = maximum_bytes
        self._gates: defaultdict[Sha256, Lock] = defaultdict(Lock)
        self._lock = Lock()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def get(self, prefix: str, digest: Sha256) -> ModelPackage:
        """The package, verified. Blocks while it is fetched, which is done once however many ask.

        Raises VedetteError(MODEL_PACKAGE | DIGEST) for one that is not whole, STORE or DISK (retryable) otherwise.
        """
        place = self._folder / digest.removeprefix("sha256:")
        with self._lock:
            gate = self._gates[digest]
        with gate:
            package = _cached(place, digest) or self._fetch(prefix, digest, place)
            with self._lock:
                os.utime(place)
                self._prune(place)
            return package

    def resident_bytes(self) -> int:
        """What all packages here take."""
        return sum(_size(each) for each in self._kept())

    def _fetch(self, prefix: str, digest: Sha256, place: Path) -> ModelPackage:
        """What a source before the last gives is taken only where it is right; nobody is told otherwise but the log."""
        *nearer, last = self._sources
        for source in nearer:
            try:
                return self._fetched(source, prefix, digest, place)
            except VedetteError as error:
                if error.reason.code is Code.DISK:
                    raise
                logging.get().warning("model package not taken", source=source.name, reason=str(error.reason))
        return self._fetched(last, prefix, digest, place)

    def _fetched(self, source: PackageSource, prefix: str, digest: Sha256, place: Path) -> ModelPackage:
        try:
            incoming = Path(tempfile.mkdtemp(dir=self._folder, prefix=".incoming-"))
            try:
                source.fetch(prefix, digest, incoming)
                model_package.read(incoming, expected=digest)
                _settle(incoming, place, digest)
            finally:
                shutil.rmtree(incoming, ignore_errors=True)
        except OSError as error:
            raise VedetteError(
                Code.DISK,
                f"The model package cannot be kept on this worker: {error.strerror}.",
                "Make room.",
                retryable=True,
            ) from error
        logging.get().info("model package fetched", source=source.name, package=prefix.strip("/"), digest=digest)
        return model_package.read(place, expected=digest)

    def _prune(self, keep: Path) -> None:
        """Forget the packages used longest ago until the rest fits."""
        total = 0
        for each in sorted(self._kept(), key=_used, reverse=True):
            total += _size(each)
            if total > self._maximum and each != keep:
                shutil.rmtree(each, ignore_errors=True)

    def _kept(self) -> list[Path]:
        return [each for each in self._folder.iterdir() if each.is_dir() and not each.name.startswith(".")]


def kept_in(folder: Path, store: ObjectStore, packages_url: str = "") -> PackageCache:
    """The cache of a worker or a Job: through the model cache where there is one, else from the store."""
    nearer = [ModelCacheSource(packages_url)] if packages_url else []
    return PackageCache(folder / "packages", [*nearer, StoreSource(store)])


def _settle(incoming: Path, place: Path, digest: Sha256) -> None:
    try:
        incoming.rename(place)
    except OSError:
        # Another process was faster; its copy is as good, for it bears the same digest.
        if _cached(place, digest) is None:
            raise


def _size(folder: Path) -> int:
    """Nothing of what another process has just removed."""
    try:
        return sum(file.stat().st_size for file in folder.iterdir())
    except FileNotFoundError:
        return 0


def _used(folder: Path) -> float:
    try:
        return folder.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def _cached(place: Path, digest: Sha256) -> ModelPackage | None:
    """What lies there if it is whole; what is not is thrown away."""
    if not place.is_dir():
        return None
    try:
        return model_package.read(place, expected=digest)
    except VedetteError:
        shutil.rmtree(place, ignore_errors=True)
        return None
