"""The object store, over S3. Synchronous and safe to share between threads; asyncio callers use `asyncio.to_thread`.

Uses only what MinIO and SeaweedFS do alike (tests/clients/test_objectstore.py runs against both).
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import quote, urlsplit

import certifi
import urllib3
from minio import Minio
from minio.commonconfig import CopySource
from minio.datatypes import Part
from minio.deleteobjects import DeleteObject

from appliance.clients.settings import StoreSettings
from appliance.clients.signing import signing
from appliance.clients.store_errors import translated
from appliance.contracts.base import Sha256, now
from appliance.contracts.errors import Code, VedetteError

_CONNECT_SECONDS = 5.0
_POOL_SIZE = 32
_DELETE_BATCH = 1000


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
    VedetteError(DISK, retryable=True) when it is full and VedetteError(NOT_FOUND) when the key is not there.

    `timeout_seconds` bounds each wait for the store; reads and idempotent writes are tried once more, so that a store
    that stalls is given up after twice that time. Pre-signed addresses are the same from every process within the hour
    (signing.py), by the `clock`.
    """

    def __init__(
        self, settings: StoreSettings, timeout_seconds: float = 20.0, clock: Callable[[], datetime] = now
    ) -> None:
        self._settings, self._clock = settings, clock
        self._timeout = timeout_seconds
        self._bucket = settings.bucket
        self._client = _connect(settings, settings.endpoint, timeout_seconds)
        self._public = _connect(settings, settings.public_endpoint or settings.endpoint, timeout_seconds)

    @property
    def bucket(self) -> str:
        return self._bucket

    def ensure_bucket(self) -> None:
        with translated(self._bucket):
            if not self._client.bucket_exists(self._bucket):
                self._client.make_bucket(self._bucket)

    def put_bytes(self, key: str, data: bytes, media_type: str) -> None:
        with translated(key):
            self._client.put_object(self._bucket, key, io.BytesIO(data), len(data), content_type=media_type)

    def put_file(self, key: str, path: Path, media_type: str) -> None:
        """Large files go up in parts, which are discarded again when one fails."""
        with path.open("rb") as stream, translated(key):
            size = os.fstat(stream.fileno()).st_size
            self._client.put_object(self._bucket, key, stream, size, content_type=media_type)

    def get_bytes(self, key: str, maximum_bytes: int) -> bytes:
        """Raises VedetteError(LIMIT) when the object is larger than `maximum_bytes`."""
        with translated(key), self._opened(key) as response:
            data: bytes = response.read(maximum_bytes + 1)
        if len(data) > maximum_bytes:
            raise VedetteError(Code.LIMIT, f"{key} is larger than {maximum_bytes} bytes.", "Send a smaller file.")
        return data

    def get_file(self, key: str, path: Path) -> None:
        """`path` appears whole or not at all."""
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        unfinished = Path(name)
        try:
            with os.fdopen(descriptor, "wb") as stream, translated(key):
                for chunk in self.read(key):
                    stream.write(chunk)
            unfinished.replace(path)
        finally:
            unfinished.unlink(missing_ok=True)

    def read(self, key: str, chunk_bytes: int = 1 << 20) -> Iterator[bytes]:
        with translated(key), self._opened(key) as response:
            yield from response.stream(chunk_bytes)

    def digest(self, key: str, heed: Callable[[], None] = lambda: None) -> Sha256:
        """Of the object, read to its end; `heed` is called between chunks. Raises VedetteError(NOT_FOUND | STORE), and what
        `heed` raises."""
        found = hashlib.sha256()
        for chunk in self.read(key):
            heed()
            found.update(chunk)
        return f"sha256:{found.hexdigest()}"

    @contextlib.contextmanager
    def _opened(self, key: str) -> Iterator[urllib3.BaseHTTPResponse]:
        response = self._client.get_object(self._bucket, key)
        try:
            yield response
        finally:
            response.close()
            response.release_conn()

    def stat(self, key: str) -> ObjectStat | None:
        """None when there is no such object."""
        try:
            with translated(key):
                found = self._client.stat_object(self._bucket, key)
        except VedetteError as error:
            if error.reason.code is Code.NOT_FOUND:
                return None
            raise
        return ObjectStat(key, int(found.size or 0), _bare(found.etag))

    def list_objects(self, prefix: str) -> Iterator[ObjectStat]:
        """Every object under the prefix, in no order that may be relied upon."""
        with translated(prefix):
            for found in self._client.list_objects(self._bucket, prefix=prefix, recursive=True):
                if not found.is_dir:
                    yield ObjectStat(str(found.object_name), int(found.size or 0), _bare(found.etag))

    def list_folders(self, prefix: str) -> list[str]:
        """The prefixes one level below, each ending in '/', as the one given does. SeaweedFS may name empty ones for a while."""
        with translated(prefix):
            found = self._client.list_objects(self._bucket, prefix=prefix)
            return [str(each.object_name) for each in found if each.is_dir]

    def delete(self, keys: Iterable[str]) -> None:
        """Delete in bulk. A key that is not there is no error."""
        remaining = iter(keys)
        while batch := [DeleteObject(key) for _, key in zip(range(_DELETE_BATCH), remaining, strict=False)]:
            with translated(self._bucket):
                errors = [e for e in self._client.remove_objects(self._bucket, batch) if e.code != "NoSuchKey"]
            if errors:
                message = f"The object store could not delete {errors[0].name}: {errors[0].message}."
                raise VedetteError(Code.STORE, message, "Try again.", retryable=True)

    def copy(self, source: str, target: str) -> None:
        with translated(source):
            self._client.copy_object(self._bucket, target, CopySource(self._bucket, source))

    def presigned_get(self, key: str, expires: timedelta, filename: str | None = None) -> str:
        """A URL that whoever has it may GET. With `filename` a browser saves it under that name."""
        headers: dict[str, str | list[str] | tuple[str]] = {}
        if filename is not None:
            headers["response-content-disposition"] = f"attachment; filename*=UTF-8''{quote(filename, safe='')}"
        signed_at, lifetime = signing(self._clock(), expires)
        url: str = self._public.get_presigned_url(
            "GET", self._bucket, key, lifetime, response_headers=headers, request_date=signed_at
        )
        return url

    def create_multipart(self, key: str, media_type: str) -> str:
        """The upload id."""
        with translated(key):
            upload_id: str = self._client._create_multipart_upload(self._bucket, key, {"Content-Type": media_type})
        return upload_id

    def presigned_part(self, key: str, upload_id: str, number: int, expires: timedelta) -> str:
        """A URL that takes a PUT of one part; parts count from 1, all but the last have at least 5 MiB."""
        query: dict[str, str | list[str] | tuple[str]] = {"uploadId": upload_id, "partNumber": str(number)}
        signed_at, lifetime = signing(self._clock(), expires)
        url: str = self._public.get_presigned_url(
            "PUT", self._bucket, key, lifetime, extra_query_params=query, request_date=signed_at
        )
        return url

    def list_parts(self, key: str, upload_id: str) -> list[UploadedPart]:
        """The parts that have arrived whole, by number. Raises VedetteError(NOT_FOUND) when there is no such upload."""
        found: list[Part] = []
        marker: str | None = None
        while True:
            with translated(key):
                page = self._client._list_parts(self._bucket, key, upload_id, part_number_marker=marker)
            found += page.parts
            if not page.is_truncated:
                return _latest(found)
            marker = str(page.next_part_number_marker)

    def complete_multipart(self, key: str, upload_id: str, parts: list[UploadedPart]) -> ObjectStat:
        """Completing twice is completing once: an upload that is gone is fine when the whole object is there."""
        size = sum(part.size_bytes for part in parts)
        try:
            with translated(key):
                ordered = [Part(p.number, p.etag) for p in sorted(parts, key=lambda part: part.number)]
                self._client._complete_multipart_upload(self._bucket, key, upload_id, ordered)
        except VedetteError as error:
            found = self.stat(key) if error.reason.code is Code.NOT_FOUND else None
            if found is None or found.size_bytes != size:
                raise
            return found
        done = self.stat(key)
        if done is None or done.size_bytes != size:
            message = f"The object store did not keep the whole of {key}."
            raise VedetteError(Code.STORE, message, "Upload it again.", retryable=True)
        return done

    def abort_multipart(self, key: str, upload_id: str) -> None:
        """Discard the parts. An upload that is gone is no error."""
        try:
            with translated(key):
                self._client._abort_multipart_upload(self._bucket, key, upload_id)
        except VedetteError as error:
            if error.reason.code is not Code.NOT_FOUND:
                raise

    def gdal_path(self, key: str) -> str:
        """The path by which GDAL reads the object: /vsis3/<bucket>/<key>."""
        return f"/vsis3/{self._bucket}/{key}"

    def gdal_options(self) -> dict[str, str]:
        """Options for `rasterio.Env(**options)` under which `gdal_path` opens. They hold the keys: never log them."""
        endpoint = urlsplit(self._settings.endpoint)
        return {
            "AWS_S3_ENDPOINT": endpoint.netloc,
            "AWS_HTTPS": "YES" if endpoint.scheme == "https" else "NO",
            "AWS_VIRTUAL_HOSTING": "FALSE",
            "AWS_REGION": self._settings.region,
            # GDAL's names know no case. Spelled in capitals, rasterio refuses these two: it wants boto3 to give them.
            "Aws_Access_Key_Id": self._settings.access_key.get_secret_value(),
            "Aws_Secret_Access_Key": self._settings.secret_key.get_secret_value(),
            "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",
            "GDAL_HTTP_CONNECTTIMEOUT": str(round(_CONNECT_SECONDS)),
            "GDAL_HTTP_TIMEOUT": str(round(self._timeout)),
            "GDAL_HTTP_MAX_RETRY": "1",
            "GDAL_HTTP_RETRY_DELAY": "0.2",
        }


def _connect(settings: StoreSettings, endpoint: str, timeout_seconds: float) -> Minio:
    address = urlsplit(endpoint)
    retries = urllib3.Retry(
        total=2,
        read=1,
        status=2,
        backoff_factor=0.2,
        status_forcelist=(500, 502, 503, 504),
        raise_on_status=False,  # the last answer says what is wrong
    )
    pool = urllib3.PoolManager(
        timeout=urllib3.Timeout(connect=min(_CONNECT_SECONDS, timeout_seconds), read=timeout_seconds),
        retries=retries,
        maxsize=_POOL_SIZE,
        cert_reqs="CERT_REQUIRED",
        ca_certs=os.environ.get("SSL_CERT_FILE") or certifi.where(),
    )
    return Minio(
        address.netloc,
        access_key=settings.access_key.get_secret_value(),
        secret_key=settings.secret_key.get_secret_value(),
        secure=address.scheme == "https",
        region=settings.region,  # given, so that no request asks for it
        http_client=pool,
    )


def _latest(found: list[Part]) -> list[UploadedPart]:
    """One part of each number: SeaweedFS keeps and lists every one that was sent, MinIO the last."""
    by_time = sorted(found, key=lambda part: (part.last_modified is not None, part.last_modified))
    latest = {p.part_number: UploadedPart(p.part_number, _bare(p.etag), int(p.size or 0)) for p in by_time}
    return [latest[number] for number in sorted(latest)]


def _bare(etag: str | None) -> str:
    """Entity tags as plain text; the two stores disagree on the quotes."""
    return (etag or "").strip('"')
