"""Detectors and the state of their packages' uploads. Called by services and by background work."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, delete, insert, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from appliance.api.storage import cursors
from appliance.api.storage.tables import detectors
from appliance.api.views.pages import DetectorPage
from appliance.api.views.uploads import PackageFile
from appliance.contracts.base import Contract, Name, Version
from appliance.contracts.detector import Detector
from appliance.contracts.model_package import MODEL_FILE


class FileUpload(Contract):
    """One file of a package and the multipart upload that brings it."""

    file: PackageFile
    upload_id: str
    part_size_bytes: int


@dataclass(frozen=True)
class DetectorRecord:
    """A detector; `ready` once its files were read back and their digest was right."""

    detector: Detector
    ready: bool
    files: tuple[FileUpload, ...]


def _record(row: Row[Any]) -> DetectorRecord:
    values = dict(row._mapping)
    ready, files = values.pop("ready"), values.pop("files")
    parsed = tuple(FileUpload.model_validate(one) for one in files)
    return DetectorRecord(Detector.model_validate(values), ready, parsed)


async def _many(connection: AsyncConnection, statement: Select[Any]) -> list[DetectorRecord]:
    return [_record(row) for row in await connection.execute(statement)]


async def lock(connection: AsyncConnection, name: Name, version: Version) -> DetectorRecord | None:
    """One version, ready or not, which no one else changes before this transaction ends."""
    statement = select(detectors).where(detectors.c.name == name, detectors.c.version == version).with_for_update()
    found = await _many(connection, statement)
    return found[0] if found else None


async def find(connection: AsyncConnection, name: Name, version: Version) -> DetectorRecord | None:
    statement = select(detectors).where(detectors.c.name == name, detectors.c.version == version)
    found = await _many(connection, statement)
    return found[0] if found else None


async def model_bytes(connection: AsyncConnection, name: Name, version: Version) -> int:
    """The size of its model file."""
    found = await find(connection, name, version)
    return sum(one.file.size_bytes for one in found.files if one.file.name == MODEL_FILE) if found else 0


async def ready_versions(connection: AsyncConnection, name: Name) -> list[Detector]:
    found = await _many(connection, select(detectors).where(detectors.c.name == name, detectors.c.ready))
    return [record.detector for record in found]


async def subscribed_to(connection: AsyncConnection, dataset: Name) -> list[Detector]:
    statement = select(detectors).where(detectors.c.ready, detectors.c.subscribe.contains([dataset]))
    return [record.detector for record in await _many(connection, statement)]


async def page(connection: AsyncConnection, cursor: str | None, limit: int) -> DetectorPage:
    """By name, the newest version first to be made ready."""
    statement = select(detectors).where(detectors.c.ready)
    if cursor:
        name, created_at = cursors.decode(cursor, str, datetime)
        position = tuple_(name, created_at)
        statement = statement.where(tuple_(detectors.c.name, detectors.c.created_at) > position)
    statement = statement.order_by(detectors.c.name, detectors.c.created_at).limit(limit + 1)
    found = [record.detector for record in await _many(connection, statement)]
    last = found[limit - 1] if len(found) > limit else None
    more = cursors.encode(last.name, last.created_at) if last else None
    return DetectorPage(items=found[:limit], next=more)


async def add(connection: AsyncConnection, detector: Detector, files: tuple[FileUpload, ...]) -> None:
    values = detector.model_dump(mode="json", exclude={"created_at"})
    stored = [file.model_dump(mode="json") for file in files]
    await connection.execute(insert(detectors).values(**values, created_at=detector.created_at, files=stored))


async def remove(connection: AsyncConnection, name: Name, version: Version) -> None:
    await connection.execute(delete(detectors).where(detectors.c.name == name, detectors.c.version == version))


async def set_ready(connection: AsyncConnection, name: Name, version: Version) -> None:
    where = (detectors.c.name == name, detectors.c.version == version)
    await connection.execute(update(detectors).where(*where).values(ready=True))


async def subscribe(connection: AsyncConnection, name: Name, version: Version, datasets: list[Name]) -> None:
    """Hand the detector's subscriptions to this version: an older one does not run beside it."""
    await connection.execute(update(detectors).where(detectors.c.name == name).values(subscribe=[]))
    where = (detectors.c.name == name, detectors.c.version == version)
    await connection.execute(update(detectors).where(*where).values(subscribe=datasets))


async def stale_uploads(connection: AsyncConnection, before: datetime) -> list[DetectorRecord]:
    statement = select(detectors).where(detectors.c.ready.is_(False), detectors.c.created_at < before)
    return await _many(connection, statement.with_for_update(skip_locked=True))
