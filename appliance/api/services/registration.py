"""Model packages that lie in the store, made detector versions: whoever trained or copied one there need not tell the API.
Called by background/settler.py with the packages that resources name (ADR 16).
"""

from __future__ import annotations

import asyncio

from appliance.api.following.said import Package
from appliance.api.services import packages
from appliance.api.services.announcing import of_detector
from appliance.api.storage import detectors, followed, outbox
from appliance.api.storage.database import Database
from appliance.api.storage.detectors import DetectorRecord, FileUpload
from appliance.api.views.uploads import NewDetector, PackageFile
from appliance.clients.objectstore import ObjectStore
from appliance.contracts import keys
from appliance.contracts.base import now
from appliance.contracts.detector import Detector
from appliance.contracts.errors import Code, VedetteError
from appliance.contracts.model_package import Manifest
from appliance.formats import model_package

_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 2.0, 60.0


class Registration:
    def __init__(self, database: Database, store: ObjectStore) -> None:
        self._database, self._store = database, store

    async def known(self, package: Package) -> bool:
        """Whether it is a detector version. Raises VedetteError(DIGEST) when that version has other content."""
        async with self._database.begin() as connection:
            found = await detectors.find(connection, package.name, package.version)
        if found is None or not found.ready:
            return False
        if found.detector.digest != package.digest:
            raise VedetteError(
                Code.DIGEST,
                f"{package.name} {package.version} has digest {found.detector.digest} here, not {package.digest}.",
                "Give the package a new version; a version never changes.",
            )
        return True

    async def register(self, package: Package) -> None:
        """Read and verify what lies in the store, and make it a detector version. Twice is once.

        Raises VedetteError: NOT_FOUND while the package is not there, DIGEST or MODEL_PACKAGE when it is another.
        """
        if await self.known(package):
            return
        record = await asyncio.to_thread(self._read, package)
        async with self._database.begin() as connection:
            await followed.alone(connection)
            other = await detectors.lock(connection, package.name, package.version)
            if other is not None and other.ready:
                return
            # One whose upload was begun here: the whole package is there, whoever brought it.
            await detectors.remove(connection, package.name, package.version)
            await detectors.add(connection, record.detector, record.files)
            await detectors.set_ready(connection, package.name, package.version)
            await followed.fill_again(connection, package.name)
            await outbox.add_event(connection, of_detector(package.name, now(), package.version))
        await asyncio.to_thread(self._abort, package, other)

    def _abort(self, package: Package, begun: DetectorRecord | None) -> None:
        prefix = keys.model_prefix(package.name, package.version)
        for one in begun.files if begun is not None else ():
            self._store.abort_multipart(prefix + one.file.name, one.upload_id)

    def _read(self, package: Package) -> DetectorRecord:
        manifest = self._manifest(package)
        prefix = keys.model_prefix(package.name, package.version)
        files = tuple(self._file(prefix, name) for name in model_package.files_of(manifest))
        detector = Detector(
            name=package.name, version=package.version, digest=package.digest, manifest=manifest, created_at=now()
        )
        announced = NewDetector(manifest=manifest, digest=package.digest, files=[each.file for each in files])
        packages.check_files(announced)
        return DetectorRecord(detector, ready=False, files=files)

    def _manifest(self, package: Package) -> Manifest:
        manifest = packages.manifest_in(self._store, keys.model_prefix(package.name, package.version))
        if (manifest.name, manifest.version) != (package.name, package.version):
            raise VedetteError(
                Code.MODEL_PACKAGE,
                f"The package at {package.name}/{package.version} is {manifest.name} {manifest.version} by its manifest.",
                "Put it where its name and version say.",
            )
        return manifest

    def _file(self, prefix: str, name: str) -> FileUpload:
        found = self._store.stat(prefix + name)
        if found is None:
            raise VedetteError(
                Code.NOT_FOUND, f"{prefix}{name} is not in the object store.", "Bring the whole package."
            )
        file = PackageFile(name=name, size_bytes=found.size_bytes, sha256=self._store.digest(prefix + name))
        return FileUpload(file=file, upload_id="", part_size_bytes=found.size_bytes)


class Wanted:
    """Packages that resources name and that may not be known yet. One that cannot be registered is tried again, less and less
    often: it may be on its way to the store."""

    def __init__(self) -> None:
        self._due: dict[Package, float] = {}
        self._pause: dict[Package, float] = {}
        self._done: set[Package] = set()

    def ask(self, *packages: Package) -> None:
        for package in set(packages) - self._done:
            self._due.setdefault(package, 0.0)

    def due(self, at: float) -> list[Package]:
        return [package for package, when in self._due.items() if when <= at]

    def done(self, package: Package) -> None:
        self._done.add(package)
        self._due.pop(package, None)
        self._pause.pop(package, None)

    def failed(self, package: Package, at: float) -> bool:
        """Whether it is the first time."""
        before = self._pause.get(package)
        self._pause[package] = _FIRST_PAUSE_SECONDS if before is None else min(2 * before, _LONGEST_PAUSE_SECONDS)
        self._due[package] = at + self._pause[package]
        return before is None
