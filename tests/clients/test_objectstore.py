"""One conformance test for every object store we run: whatever ObjectStore relies on, both do alike."""

from __future__ import annotations

import os
import secrets
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import httpx
import numpy as np
import pytest
import rasterio
from pydantic import SecretStr

from appliance.clients.objectstore import ObjectStore, UploadedPart
from appliance.clients.settings import StoreSettings
from appliance.contracts.errors import Code, VedetteError
from tests.conftest import StoreServer

HOUR = timedelta(hours=1)
MIB = 1 << 20
PAGE = "http://127.0.0.1:4321"


@pytest.fixture(scope="session", params=["minio_store", "seaweed_store"])
def server(request: pytest.FixtureRequest) -> StoreServer:
    running: StoreServer = request.getfixturevalue(request.param)
    return running


@pytest.fixture(scope="session")
def store(server: StoreServer) -> ObjectStore:
    client = ObjectStore(server.settings)
    client.ensure_bucket()
    client.ensure_bucket()
    return client


@pytest.fixture
def prefix() -> str:
    return f"test/{secrets.token_hex(8)}/"


def _code(error: pytest.ExceptionInfo[VedetteError]) -> tuple[Code, bool]:
    return error.value.reason.code, error.value.reason.retryable


def test_what_is_put_is_got(store: ObjectStore, prefix: str) -> None:
    key = prefix + "Grüße & +%20 ?.bin"
    store.put_bytes(key, b"first", "text/plain")
    store.put_bytes(key, b"second!", "text/plain")
    found = store.stat(key)
    assert store.get_bytes(key, 100) == b"second!"
    assert found is not None
    assert (found.key, found.size_bytes) == (key, 7)


def test_an_empty_object(store: ObjectStore, prefix: str) -> None:
    store.put_bytes(prefix + "empty", b"", "text/plain")
    assert store.get_bytes(prefix + "empty", 0) == b""
    assert [o.size_bytes for o in store.list_objects(prefix)] == [0]


def test_get_bytes_is_bounded(store: ObjectStore, prefix: str) -> None:
    store.put_bytes(prefix + "a", b"x" * 101, "text/plain")
    with pytest.raises(VedetteError) as error:
        store.get_bytes(prefix + "a", 100)
    assert _code(error) == (Code.LIMIT, False)


def test_large_files_go_up_and_down(store: ObjectStore, prefix: str, tmp_path: Path) -> None:
    content = os.urandom(23 * MIB + 17)
    (tmp_path / "up").write_bytes(content)
    store.put_file(prefix + "big", tmp_path / "up", "application/octet-stream")
    store.get_file(prefix + "big", tmp_path / "down")
    assert (tmp_path / "down").read_bytes() == content
    assert b"".join(store.read(prefix + "big", 1000)) == content
    assert sorted(p.name for p in tmp_path.iterdir()) == ["down", "up"]


def test_what_is_absent(store: ObjectStore, prefix: str, tmp_path: Path) -> None:
    key = prefix + "absent"
    assert store.stat(key) is None
    assert list(store.list_objects(prefix)) == []
    for call in (
        lambda: store.get_bytes(key, 10),
        lambda: list(store.read(key)),
        lambda: store.get_file(key, tmp_path / "x"),
        lambda: store.copy(key, key + "2"),
        lambda: store.list_parts(key, "no-such-upload"),
    ):
        with pytest.raises(VedetteError) as error:
            call()
        assert _code(error) == (Code.NOT_FOUND, False)
        assert key in error.value.reason.message
    store.delete([key])
    store.abort_multipart(key, "no-such-upload")
    assert list(tmp_path.iterdir()) == []


def test_list_is_complete_and_bounded_by_the_prefix(store: ObjectStore, prefix: str) -> None:
    keys = {f"{prefix}in/{i % 7}/{i:04d}" for i in range(1105)}
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda key: store.put_bytes(key, key.encode(), "text/plain"), keys | {prefix + "inner"}))
    listed = list(store.list_objects(prefix + "in/"))
    assert {o.key for o in listed} == keys
    assert len(listed) == len(keys)
    assert all(o.size_bytes == len(o.key) for o in listed)
    assert sorted(store.list_folders(prefix + "in/")) == [f"{prefix}in/{i}/" for i in range(7)]
    assert store.list_folders(prefix) == [f"{prefix}in/"]
    store.delete(iter(keys))
    assert [o.key for o in store.list_objects(prefix)] == [prefix + "inner"]


def test_copy(store: ObjectStore, prefix: str) -> None:
    store.put_bytes(prefix + "a b+c", b"data", "image/png")
    store.copy(prefix + "a b+c", prefix + "copy")
    store.delete([prefix + "a b+c"])
    assert store.get_bytes(prefix + "copy", 10) == b"data"
    answer = httpx.get(store.presigned_get(prefix + "copy", HOUR))
    assert answer.headers["content-type"] == "image/png"


def test_presigned_get_with_range_and_name(store: ObjectStore, prefix: str) -> None:
    store.put_bytes(prefix + "a", b"0123456789", "application/octet-stream")
    url = store.presigned_get(prefix + "a", HOUR, filename="Höhe 1.tif")
    part = httpx.get(url, headers={"Range": "bytes=2-5"})
    assert (part.status_code, part.content) == (206, b"2345")
    assert part.headers["content-range"] == "bytes 2-5/10"
    assert httpx.get(url).headers["content-disposition"] == "attachment; filename*=UTF-8''H%C3%B6he%201.tif"
    assert httpx.get(url, headers={"Range": "bytes=20-"}).status_code == 416


def test_a_presigned_url_opens_only_what_it_was_signed_for(store: ObjectStore, prefix: str) -> None:
    store.put_bytes(prefix + "a", b"mine", "text/plain")
    store.put_bytes(prefix + "b", b"other", "text/plain")
    url = store.presigned_get(prefix + "a", HOUR)
    parts = urlsplit(url)
    other = urlunsplit(parts._replace(path=parts.path[:-1] + "b"))
    assert httpx.get(url).content == b"mine"
    assert httpx.get(other).status_code == 403
    assert httpx.put(url, content=b"changed").status_code == 403
    assert httpx.delete(url).status_code == 403
    assert store.get_bytes(prefix + "a", 10) == b"mine"


def test_a_presigned_url_expires(store: ObjectStore, prefix: str) -> None:
    store.put_bytes(prefix + "a", b"x", "text/plain")
    url = store.presigned_get(prefix + "a", timedelta(seconds=1))
    time.sleep(2.1)
    assert httpx.get(url).status_code == 403


def test_every_process_signs_the_same_address_for_an_hour(store: ObjectStore, prefix: str) -> None:
    """Also across the end of a window: the address from before still opens."""
    store.put_bytes(prefix + "a", b"mine", "text/plain")
    settings = store._settings
    border = datetime.fromtimestamp(time.time() // 3600 * 3600, UTC)
    moments = [border + timedelta(seconds=seconds) for seconds in (-0.5, 0.0, 1700.0, 3599.9)]
    before, *within = [
        ObjectStore(settings, clock=lambda at=at: at).presigned_get(prefix + "a", HOUR, "a.txt")  # type: ignore[misc]
        for at in moments
    ]
    assert len({*within}) == 1
    assert before != within[0]
    assert httpx.get(within[0]).content == b"mine"
    assert httpx.get(before).content == b"mine"
    upload = store.create_multipart(prefix + "b", "text/plain")
    one, other = (ObjectStore(settings, clock=lambda at=at: at) for at in moments[1:3])  # type: ignore[misc]
    assert one.presigned_part(prefix + "b", upload, 1, HOUR) == other.presigned_part(prefix + "b", upload, 1, HOUR)


def test_multipart_is_resumed(store: ObjectStore, prefix: str) -> None:
    key = prefix + "scene.tif"
    content = [os.urandom(5 * MIB), os.urandom(5 * MIB), os.urandom(1000)]
    upload = store.create_multipart(key, "image/tiff")
    for number in (3, 1):
        url = store.presigned_part(key, upload, number, HOUR)
        assert httpx.put(url, content=content[number - 1], timeout=30).status_code == 200
    again = ObjectStore(store._settings)  # another process, later
    assert [(p.number, p.size_bytes) for p in again.list_parts(key, upload)] == [(1, 5 * MIB), (3, 1000)]
    assert again.stat(key) is None
    assert httpx.put(again.presigned_part(key, upload, 2, HOUR), content=content[1], timeout=30).status_code == 200
    parts = again.list_parts(key, upload)
    done = again.complete_multipart(key, upload, parts)
    assert done.size_bytes == 10 * MIB + 1000
    assert again.complete_multipart(key, upload, parts) == done
    assert again.get_bytes(key, 11 * MIB) == b"".join(content)


def test_a_part_sent_twice_counts_once(store: ObjectStore, prefix: str) -> None:
    """The same part again after a lost answer, and one whose file changed meanwhile: the last one counts."""
    key = prefix + "twice"
    upload = store.create_multipart(key, "text/plain")
    first = [b"a" * 5 * MIB, b"a" * 5 * MIB, b"b" * 5 * MIB]
    for content in first:
        httpx.put(store.presigned_part(key, upload, 1, HOUR), content=content, timeout=30)
        time.sleep(1.1)  # SeaweedFS tells them apart by the second
    for _ in range(2):
        httpx.put(store.presigned_part(key, upload, 2, HOUR), content=b"end")
    parts = store.list_parts(key, upload)
    assert [(p.number, p.size_bytes) for p in parts] == [(1, 5 * MIB), (2, 3)]
    store.complete_multipart(key, upload, parts)
    assert store.get_bytes(key, 11 * MIB) == first[-1] + b"end"


def test_multipart_is_aborted(store: ObjectStore, prefix: str) -> None:
    key = prefix + "aborted"
    upload = store.create_multipart(key, "text/plain")
    url = store.presigned_part(key, upload, 1, HOUR)
    httpx.put(url, content=b"x")
    store.abort_multipart(key, upload)
    store.abort_multipart(key, upload)
    with pytest.raises(VedetteError) as error:
        store.list_parts(key, upload)
    assert _code(error) == (Code.NOT_FOUND, False)
    with pytest.raises(VedetteError):
        store.complete_multipart(key, upload, [UploadedPart(1, "0" * 32, 1)])
    assert httpx.put(url, content=b"x").status_code == 404
    assert store.stat(key) is None


def test_many_parts_are_all_listed(store: ObjectStore, prefix: str) -> None:
    key = prefix + "many"
    upload = store.create_multipart(key, "text/plain")
    with httpx.Client() as http, ThreadPoolExecutor(8) as pool:
        urls = [store.presigned_part(key, upload, n, HOUR) for n in range(1, 1102)]
        assert set(pool.map(lambda url: http.put(url, content=b"x").status_code, urls)) == {200}
    assert [p.number for p in store.list_parts(key, upload)] == list(range(1, 1102))
    store.abort_multipart(key, upload)


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "HEAD"])
def test_unsigned_access_is_refused(server: StoreServer, store: ObjectStore, prefix: str, method: str) -> None:
    store.put_bytes(prefix + "a", b"private", "text/plain")
    answer = httpx.request(method, f"{server.settings.endpoint}/vedette/{prefix}a")
    assert answer.status_code == 403
    assert httpx.get(f"{server.settings.endpoint}/vedette?list-type=2").status_code == 403
    assert store.get_bytes(prefix + "a", 10) == b"private"


@pytest.mark.parametrize("wrong", ["access_key", "secret_key"])
def test_wrong_credentials_are_refused(server: StoreServer, store: ObjectStore, prefix: str, wrong: str) -> None:
    store.put_bytes(prefix + "a", b"private", "text/plain")
    stranger = ObjectStore(server.settings.model_copy(update={wrong: SecretStr("x" * 20)}))
    for call in (
        lambda: stranger.get_bytes(prefix + "a", 10),
        lambda: stranger.put_bytes(prefix + "a", b"", "text/plain"),
        lambda: stranger.stat(prefix + "a"),
    ):
        with pytest.raises(VedetteError) as error:
            call()
        assert error.value.reason.code is Code.STORE
    assert httpx.get(stranger.presigned_get(prefix + "a", HOUR)).status_code == 403


def test_a_page_of_another_origin_uploads_and_downloads(store: ObjectStore, prefix: str) -> None:
    """CORS: the browser asks first, then sends; it must be allowed to read the answer of both."""
    key = prefix + "page"
    upload = store.create_multipart(key, "text/plain")
    put = store.presigned_part(key, upload, 1, HOUR)
    asked = httpx.options(
        put,
        headers={
            "Origin": PAGE,
            "Access-Control-Request-Method": "PUT",
            "Access-Control-Request-Headers": "content-type",
        },
    )
    assert asked.status_code in {200, 204}
    assert asked.headers["access-control-allow-origin"] in {"*", PAGE}
    assert "PUT" in asked.headers["access-control-allow-methods"]
    assert asked.headers["access-control-allow-headers"].lower() in {"*", "content-type"}
    sent = httpx.put(put, content=b"from a page", headers={"Origin": PAGE, "Content-Type": "text/plain"})
    assert sent.status_code == 200
    assert sent.headers["access-control-allow-origin"] in {"*", PAGE}
    store.complete_multipart(key, upload, store.list_parts(key, upload))
    got = httpx.get(store.presigned_get(key, HOUR), headers={"Origin": PAGE})
    assert got.headers["access-control-allow-origin"] in {"*", PAGE}
    assert got.content == b"from a page"


def test_gdal_reads_through_it(store: ObjectStore, prefix: str, tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (1, 300, 400), dtype=np.uint8)
    with rasterio.open(
        tmp_path / "a.tif", "w", driver="GTiff", width=400, height=300, count=1, dtype="uint8",
        crs="EPSG:32633", transform=rasterio.Affine(1, 0, 500_000, 0, -1, 0), tiled=True,
    ) as dataset:  # fmt: skip
        dataset.write(pixels)
    store.put_file(prefix + "a.tif", tmp_path / "a.tif", "image/tiff")
    with rasterio.Env(**store.gdal_options()), rasterio.open(store.gdal_path(prefix + "a.tif")) as dataset:
        assert (dataset.read() == pixels).all()
    refused = {**store.gdal_options(), "Aws_Secret_Access_Key": "x" * 40}
    with rasterio.Env(**refused), pytest.raises(rasterio.errors.RasterioIOError):
        rasterio.open(store.gdal_path(prefix + "b.tif"))


def test_several_threads_share_one_store(store: ObjectStore, prefix: str) -> None:
    def turn(i: int) -> bool:
        data = os.urandom(50_000 + i)
        store.put_bytes(f"{prefix}{i}", data, "text/plain")
        return store.get_bytes(f"{prefix}{i}", 1 << 20) == data

    with ThreadPoolExecutor(16) as pool:
        assert all(pool.map(turn, range(64)))


def test_data_survives_kill_minus_nine(server: StoreServer, store: ObjectStore, prefix: str) -> None:
    store.put_bytes(prefix + "kept", b"kept" * 1000, "text/plain")
    server.server.kill()
    server.server.start()
    assert store.get_bytes(prefix + "kept", 4000) == b"kept" * 1000


@pytest.fixture
def silent_endpoint() -> Iterator[str]:
    """A server that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        held: list[socket.socket] = []
        listener.settimeout(0.1)
        over = threading.Event()

        def accept() -> None:
            while not over.is_set():
                try:
                    held.append(listener.accept()[0])
                except TimeoutError:
                    continue

        thread = threading.Thread(target=accept)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        over.set()
        thread.join()
        for connection in held:
            connection.close()


def _settings(endpoint: str) -> StoreSettings:
    return StoreSettings(endpoint=endpoint, access_key=SecretStr("a" * 20), secret_key=SecretStr("b" * 40))


def test_a_store_that_stalls_is_given_up(silent_endpoint: str, tmp_path: Path) -> None:
    stalled = ObjectStore(_settings(silent_endpoint), timeout_seconds=0.3)
    (tmp_path / "up").write_bytes(b"x" * MIB)
    for call in (
        lambda: stalled.get_bytes("a", 10),
        lambda: stalled.stat("a"),
        lambda: stalled.put_bytes("a", b"x" * MIB, "text/plain"),
        lambda: stalled.put_file("a", tmp_path / "up", "text/plain"),
        lambda: stalled.create_multipart("a", "text/plain"),
        lambda: list(stalled.list_objects("a")),
        lambda: stalled.delete(["a"]),
    ):
        begun = time.monotonic()
        with pytest.raises(VedetteError) as error:
            call()
        assert _code(error) == (Code.STORE, True)
        assert time.monotonic() - begun < 3


def test_a_store_that_is_not_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(VedetteError) as error:
        ObjectStore(_settings(f"http://127.0.0.1:{port}")).get_bytes("a", 10)
    assert _code(error) == (Code.STORE, True)


def test_a_full_local_disk_is_told_apart(store: ObjectStore, prefix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    store.put_bytes(prefix + "a", b"x" * 100_000, "text/plain")
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("no /dev/full here")
    monkeypatch.setattr("tempfile.mkstemp", lambda **_: (os.open(full, os.O_WRONLY), "/nonexistent/unfinished"))
    with pytest.raises(VedetteError) as error:
        store.get_file(prefix + "a", Path("/nonexistent/a"))
    assert _code(error) == (Code.DISK, True)
