"""Detectors applied: files straight to the store, read back and verified, then serving. Called by routes/detectors.py.

A version of a detector never changes. Its subscriptions may: the datasets whose items get a run by themselves.
"""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from appliance.api.services import multipart, packages
from appliance.api.services.announcing import of_detector
from appliance.api.services.missing import no_detector
from appliance.api.services.queueing import queue_subscribed
from appliance.api.settings import ApiSettings
from appliance.api.storage import datasets, detectors, items, outbox
from appliance.api.storage.database import Database
from appliance.api.storage.detectors import DetectorRecord, FileUpload
from appliance.api.views.pages import DetectorPage
from appliance.api.views.uploads import DetectorUpload, NewDetector, PackageFile, Upload
from appliance.clients.objectstore import ObjectStore
from appliance.contracts import keys
from appliance.contracts.base import Name, Version, now
from appliance.contracts.detector import Detector
from appliance.contracts.errors import Code, VedetteError

_MEDIA_TYPE = "application/octet-stream"


class Detectors:
    """`cluster`: what a detector is subscribed to is said by its Detector."""

    def __init__(self, database: Database, store: ObjectStore, settings: ApiSettings, cluster: bool = False) -> None:
        self._database, self._store, self._settings, self._cluster = database, store, settings, cluster

    async def page(self, cursor: str | None, limit: int) -> DetectorPage:
        async with self._database.begin() as connection:
            return await detectors.page(connection, cursor, limit)

    async def get(self, name: Name, version: Version) -> Detector:
        record = await self._find(name, version)
        if record is None or not record.ready:
            raise no_detector(name, version)
        return record.detector

    async def _find(self, name: Name, version: Version) -> DetectorRecord | None:
        async with self._database.begin() as connection:
            return await detectors.find(connection, name, version)

    async def apply(self, body: NewDetector) -> DetectorUpload:
        """The detector when its package is there; else the uploads that bring it, begun or resumed.

        Raises VedetteError(MODEL_PACKAGE | DIGEST | CONFLICT).
        """
        packages.check_files(body)
        self._refuse_subscriptions(body.subscribe)
        known = await self._find(body.manifest.name, body.manifest.version)
        if known is not None and known.ready:
            return await self._known(known.detector, body)
        if known is not None and known.detector.digest == body.digest:
            resumed = await self._described(known)
            if resumed is not None:
                return DetectorUpload(uploads=resumed)
        begun = await self._begin(body)
        return DetectorUpload(uploads=await self._described(begun) or {})

    async def _known(self, known: Detector, body: NewDetector) -> DetectorUpload:
        packages.refuse_change(known, body)
        if body.subscribe is None:
            return DetectorUpload(detector=known)
        return DetectorUpload(detector=await self.subscribe(known.name, known.version, body.subscribe))

    async def subscribe(self, name: Name, version: Version, wanted: list[Name]) -> Detector:
        """Hand the detector's subscriptions to this version, which is served. Raises VedetteError(NOT_FOUND)."""
        self._refuse_subscriptions(wanted)
        known = await self.get(name, version)
        async with self._database.begin() as connection:
            await detectors.subscribe(connection, name, version, wanted)
            await _serve(connection, known, wanted)
        return await self.get(name, version)

    def _refuse_subscriptions(self, wanted: list[Name] | None) -> None:
        if wanted and self._cluster:
            raise VedetteError(
                Code.CONFLICT,
                "On a cluster the subscriptions of a detector are those of its Detector.",
                "Set spec.subscribe there, by kubectl or `vedette detector apply -f`.",
            )

    async def _begin(self, body: NewDetector) -> DetectorRecord:
        """Start the uploads anew, in place of ones that were left or brought something else."""
        manifest = body.manifest
        files = tuple([await self._begin_file(manifest.name, manifest.version, file) for file in body.files])
        detector = Detector(
            name=manifest.name,
            version=manifest.version,
            digest=body.digest,
            manifest=manifest,
            subscribe=body.subscribe or [],
            created_at=now(),
        )
        async with self._database.begin() as connection:
            other = await detectors.lock(connection, detector.name, detector.version)
            taken = other is not None and other.ready
            if not taken:
                await detectors.remove(connection, detector.name, detector.version)
                await detectors.add(connection, detector, files)
        begun = DetectorRecord(detector, ready=False, files=files)
        if other is not None:
            await asyncio.to_thread(self._abort, begun if taken else other)
        if taken:
            raise VedetteError(
                Code.CONFLICT, f"{detector.name} {detector.version} was just applied.", "Apply it again."
            )
        return begun

    async def _begin_file(self, name: Name, version: Version, file: PackageFile) -> FileUpload:
        key = keys.model_prefix(name, version) + file.name
        upload_id = await asyncio.to_thread(self._store.create_multipart, key, _MEDIA_TYPE)
        size = multipart.part_size(file.size_bytes, self._settings.part_size_bytes)
        return FileUpload(file=file, upload_id=upload_id, part_size_bytes=size)

    async def _described(self, record: DetectorRecord) -> dict[str, Upload] | None:
        """The uploads by file name; None when the store has forgotten them."""
        try:
            return await asyncio.to_thread(self._describe, record)
        except VedetteError as error:
            if error.reason.code is Code.NOT_FOUND:
                return None
            raise

    def _describe(self, record: DetectorRecord) -> dict[str, Upload]:
        valid = timedelta(hours=self._settings.upload_hours)
        return {t.name: multipart.describe(self._store, t, valid) for t in _transfers(record)}

    def _abort(self, record: DetectorRecord) -> None:
        for transfer in _transfers(record):
            self._store.abort_multipart(transfer.key, transfer.upload_id)

    async def abandon_uploads(self, before: datetime) -> None:
        """Forget packages whose upload was begun before that moment and never completed, and what was sent of them."""
        async with self._database.begin() as connection:
            left = await detectors.stale_uploads(connection, before)
            for record in left:
                await detectors.remove(connection, record.detector.name, record.detector.version)
        for record in left:
            await asyncio.to_thread(self._abort, record)
            await asyncio.to_thread(self._store.delete, [transfer.key for transfer in _transfers(record)])

    async def complete(self, name: Name, version: Version) -> Detector:
        """Verify the files as they lie in the store, and serve the detector. Twice is once.

        Raises VedetteError(CONFLICT) when parts are missing; DIGEST or MODEL_PACKAGE when the content is not what was
        announced, and then the files are removed.
        """
        record = await self._find(name, version)
        if record is None:
            raise no_detector(name, version)
        if not record.ready:
            await self._verify(record)
            await asyncio.to_thread(self._say_complete, record.detector)
            async with self._database.begin() as connection:
                current = await detectors.lock(connection, name, version)
                if current is None or current.files != record.files:
                    raise VedetteError(
                        Code.CONFLICT, f"{name} {version} was applied anew meanwhile.", "Apply it again."
                    )
                if not current.ready:
                    await detectors.set_ready(connection, name, version)
                    if current.detector.subscribe:
                        await detectors.subscribe(connection, name, version, current.detector.subscribe)
                    await _serve(connection, current.detector, current.detector.subscribe)
        return await self.get(name, version)

    def _say_complete(self, detector: Detector) -> None:
        """Written last: whoever finds it finds the whole package (ADR 16)."""
        key = keys.package_digest(detector.name, detector.version)
        self._store.put_bytes(key, detector.digest.encode(), "text/plain")

    async def _verify(self, record: DetectorRecord) -> None:
        for transfer in _transfers(record):
            await asyncio.to_thread(multipart.finish, self._store, transfer)
        try:
            await asyncio.to_thread(packages.verify, self._store, record)
        except VedetteError as error:
            if error.reason.code in {Code.DIGEST, Code.MODEL_PACKAGE}:
                async with self._database.begin() as connection:
                    await detectors.remove(connection, record.detector.name, record.detector.version)
                said = keys.package_digest(record.detector.name, record.detector.version)
                await asyncio.to_thread(self._store.delete, [*(each.key for each in _transfers(record)), said])
            raise


async def _serve(connection: AsyncConnection, detector: Detector, subscribed: list[Name]) -> None:
    """Say that the detector changed, and queue runs for the items that are there already."""
    await outbox.add_event(connection, of_detector(detector.name, now(), detector.version))
    for name in subscribed:
        dataset = await datasets.find(connection, name)
        if dataset is not None:
            await queue_subscribed(connection, await items.ready_of_dataset(connection, dataset.id))


def _transfers(record: DetectorRecord) -> list[multipart.Transfer]:
    prefix = keys.model_prefix(record.detector.name, record.detector.version)
    return [
        multipart.Transfer(
            key=prefix + one.file.name,
            upload_id=one.upload_id,
            size_bytes=one.file.size_bytes,
            part_size_bytes=one.part_size_bytes,
            name=one.file.name,
        )
        for one in record.files
    ]
