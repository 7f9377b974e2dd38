"""The object store, over S3. Synchronous and safe to share between threads; asyncio callers use `asyncio.to_thread`.

Uses only what MinIO and SeaweedFS do alike (tests/clients/test_objectstore.py runs against both).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from appliance.clients.settings import StoreSettings


@dataclass(frozen=True)
class ObjectStat:
    key: str
    size_bytes: int
    etag: str


@dataclass(frozen=True)
class UploadedPart:
    number: int
    etag: str
    size_bytes: int


class ObjectStore:
    """One bucket. Every method raises VedetteError(STORE, retryable=True) when the store does not answer in time,
    VedetteError(DISK, retryable=True) when it is full and VedetteError(NOT_FOUND) when the key is not there."""

    def __init__(self, settings: StoreSettings) -> None:
        raise NotImplementedError

    def ensure_bucket(self) -> None: ...
    def put_bytes(self, key: str, data: bytes, media_type: str) -> None: ...
    def put_file(self, key: str, path: Path, media_type: str) -> None: ...
    def get_bytes(self, key: str, maximum_bytes: int) -> bytes:
        raise NotImplementedError

    def get_file(self, key: str, path: Path) -> None: ...
    def read(self, key: str, chunk_bytes: int = 1 << 20) -> Iterator[bytes]:
        raise NotImplementedError

    def stat(self, key: str) -> ObjectStat | None:
        raise NotImplementedError

    def list_objects(self, prefix: str) -> Iterator[ObjectStat]:
        """Every object under the prefix, in no order that may be relied upon."""
        raise NotImplementedError

    def delete(self, keys: Iterable[str]) -> None: ...
    def copy(self, source: str, target: str) -> None: ...

    def presigned_get(self, key: str, expires: timedelta, filename: str | None = None) -> str:
        raise NotImplementedError

    def create_multipart(self, key: str, media_type: str) -> str:
        """The upload id."""
        raise NotImplementedError

    def presigned_part(self, key: str, upload_id: str, number: int, expires: timedelta) -> str:
        raise NotImplementedError

    def list_parts(self, key: str, upload_id: str) -> list[UploadedPart]:
        raise NotImplementedError

    def complete_multipart(self, key: str, upload_id: str, parts: list[UploadedPart]) -> ObjectStat:
        raise NotImplementedError

    def abort_multipart(self, key: str, upload_id: str) -> None: ...

    def gdal_path(self, key: str) -> str:
        """The path by which GDAL reads the object: /vsis3/<bucket>/<key>."""
        raise NotImplementedError

    def gdal_options(self) -> dict[str, str]:
        """Options for `rasterio.Env(**options)` under which `gdal_path` opens."""
        raise NotImplementedError
