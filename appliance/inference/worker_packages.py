"""Model packages on the worker's disk, by digest: fetched once, verified, renamed into place. Used by worker_run.py.

Several workers may share the folder. Knows the store's keys of a package, not what a package is for.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from threading import Lock

from appliance.clients.objectstore import ObjectStore
from appliance.contracts.base import Sha256
from appliance.contracts.errors import Code, VedetteError
from appliance.contracts.model_package import MANIFEST_FILE
from appliance.formats import model_package
from appliance.formats.model_package import ModelPackage

_PACKAGE_LIMIT = 8 << 30


class PackageCache:
    """At most `maximum_bytes` on disk, but always the package asked for last."""

    def __init__(self, folder: Path, store: ObjectStore, maximum_bytes: int = 16 << 30) -> None:
        self._folder = folder
        self._store = store
        self._maximum = maximum_bytes
        self._lock = Lock()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def get(self, prefix: str, digest: Sha256) -> ModelPackage:
        """The package, verified. Blocks while it is fetched.

        Raises VedetteError(MODEL_PACKAGE | DIGEST) for one that is not whole, STORE or DISK (retryable) otherwise.
        """
        place = self._folder / digest.removeprefix("sha256:")
        with self._lock:
            package = _cached(place, digest) or self._fetch(prefix, digest, place)
            os.utime(place)
            self._prune(place)
            return package

    def _fetch(self, prefix: str, digest: Sha256, place: Path) -> ModelPackage:
        self._check_size(prefix, model_package.FILES)
        incoming = Path(tempfile.mkdtemp(dir=self._folder, prefix=".incoming-"))
        try:
            self._store.get_file(prefix + MANIFEST_FILE, incoming / MANIFEST_FILE)
            names = model_package.files_of(model_package.parse_manifest(incoming / MANIFEST_FILE))
            self._check_size(prefix, names)
            for name in names:
                if name != MANIFEST_FILE:
                    self._store.get_file(prefix + name, incoming / name)
            model_package.read(incoming, expected=digest)
            try:
                incoming.rename(place)
            except OSError:
                # Another worker was faster; its copy is as good, for it bears the same digest.
                if _cached(place, digest) is None:
                    raise
        except OSError as error:
            raise VedetteError(
                Code.DISK,
                f"The model package cannot be kept on this worker: {error.strerror}.",
                "Make room.",
                retryable=True,
            ) from error
        finally:
            shutil.rmtree(incoming, ignore_errors=True)
        return model_package.read(place, expected=digest)

    def _check_size(self, prefix: str, names: tuple[str, ...]) -> None:
        sizes = {name: self._store.stat(prefix + name) for name in names}
        missing = [name for name, stat in sizes.items() if stat is None]
        if missing:
            raise VedetteError(
                Code.MODEL_PACKAGE,
                f"The store does not hold {', '.join(missing)} of the model package {prefix.strip('/')}.",
                "Apply the detector again with `vedette detector apply`.",
            )
        if sum(stat.size_bytes for stat in sizes.values() if stat is not None) > _PACKAGE_LIMIT:
            raise VedetteError(
                Code.TOO_LARGE, f"The model package {prefix} is larger than 8 GiB.", "Export a smaller model."
            )

    def _prune(self, keep: Path) -> None:
        """Forget the packages used longest ago until the rest fits."""
        kept = sorted(
            (each for each in self._folder.iterdir() if each.is_dir() and not each.name.startswith(".")),
            key=lambda each: each.stat().st_mtime,
            reverse=True,
        )
        total = 0
        for each in kept:
            total += sum(file.stat().st_size for file in each.iterdir())
            if total > self._maximum and each != keep:
                shutil.rmtree(each, ignore_errors=True)


def _cached(place: Path, digest: Sha256) -> ModelPackage | None:
    """What lies there if it is whole; what is not is thrown away."""
    if not place.is_dir():
        return None
    try:
        return model_package.read(place, expected=digest)
    except VedetteError:
        shutil.rmtree(place, ignore_errors=True)
        return None
