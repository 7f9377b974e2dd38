"""Sending parts: to a real store, and to one that fails, stalls and refuses as stores do."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread

import pytest

from appliance.api.views.uploads import Upload, UploadPart
from appliance.cli import transfer
from appliance.clients.objectstore import ObjectStore
from appliance.clients.parts import PartSender, Stopped
from appliance.contracts.base import now
from appliance.contracts.errors import Code, VedetteError
from appliance.formats import digest
from tests.conftest import StoreServer

STEP = 5 << 20


@pytest.fixture
def sender() -> Iterator[PartSender]:
    made = PartSender(Event(), pause=0.02)
    yield made
    made.close()


def plan(size: int, step: int, url: Callable[[int], str | None], done: set[int] = frozenset()) -> Upload:  # type: ignore[assignment]
    parts = [
        UploadPart(
            number=number,
            size_bytes=min(step, size - (number - 1) * step),
            url=None if number in done else url(number),
            done=number in done,
        )
        for number in range(1, -(-size // step) + 1)
    ]
    return Upload(part_size_bytes=step, parts=parts, expires_at=now() + timedelta(hours=1))


def test_a_file_arrives_whole_and_only_what_is_missing_is_sent(
    object_store: StoreServer, tmp_path: Path, sender: PartSender
) -> None:
    store = ObjectStore(object_store.settings)
    store.ensure_bucket()
    path = tmp_path / "scene.tif"
    path.write_bytes(os.urandom(3 * STEP + 12345))
    upload_id = store.create_multipart("items/test/original", "application/octet-stream")

    def current() -> Upload:
        there = {part.number for part in store.list_parts("items/test/original", upload_id)}
        return plan(
            path.stat().st_size,
            STEP,
            lambda number: store.presigned_part("items/test/original", upload_id, number, timedelta(hours=1)),
            there,
        )

    first = current()
    half = first.model_copy(update={"parts": first.parts[:2]})
    transfer.send(sender, path, half, lambda: half.model_copy(update={"parts": []}), lambda _: None)
    assert [part.done for part in current().parts] == [True, True, False, False]

    heard: list[float] = []
    transfer.send(sender, path, current(), current, heard.append)
    assert len(heard) == 2, "two parts were there already"
    assert heard[-1] == 1.0
    store.complete_multipart("items/test/original", upload_id, store.list_parts("items/test/original", upload_id))
    copy = tmp_path / "copy"
    store.get_file("items/test/original", copy)
    assert digest.of_file(copy) == digest.of_file(path)


class Flaky(BaseHTTPRequestHandler):
    """A store that answers as `answers` say, then takes everything; keeps what it took."""

    answers: list[int]
    taken: dict[str, bytes]

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        status = self.answers.pop(0) if self.answers else 200
        if status == 200:
            self.taken[self.path] = body
        elif status == 0:
            time.sleep(30)
        self.send_response(status or 200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None: ...


@pytest.fixture
def flaky() -> Iterator[tuple[str, type[Flaky]]]:
    handler = type("Handler", (Flaky,), {"answers": [], "taken": {}})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    server.block_on_close = False
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}", handler
    server.shutdown()
    thread.join()
    server.server_close()


def ten_bytes(tmp_path: Path) -> Path:
    path = tmp_path / "ten.bin"
    path.write_bytes(b"0123456789")
    return path


def test_a_part_that_fails_is_tried_again(flaky: tuple[str, type[Flaky]], tmp_path: Path, sender: PartSender) -> None:
    url, store = flaky
    store.answers = [503, 500, 429]
    rounds = iter([plan(10, 4, lambda n: None, {1, 2, 3})])
    transfer.send(
        sender, ten_bytes(tmp_path), plan(10, 4, lambda n: f"{url}/{n}"), lambda: next(rounds), lambda _: None
    )
    assert store.taken == {"/1": b"0123", "/2": b"4567", "/3": b"89"}


def test_addresses_that_expired_are_asked_for_again(
    flaky: tuple[str, type[Flaky]], tmp_path: Path, sender: PartSender
) -> None:
    url, store = flaky
    store.answers = [403]
    path = ten_bytes(tmp_path)
    rounds = iter([plan(10, 10, lambda n: f"{url}/fresh"), plan(10, 10, lambda n: None, {1})])
    transfer.send(sender, path, plan(10, 10, lambda n: f"{url}/old"), lambda: next(rounds), lambda _: None)
    assert store.taken == {"/fresh": b"0123456789"}


@pytest.mark.parametrize(("answer", "code"), [(403, Code.STORE), (507, Code.DISK), (503, Code.STORE)])
def test_a_store_that_refuses_over_and_over_is_given_up(
    flaky: tuple[str, type[Flaky]], tmp_path: Path, sender: PartSender, answer: int, code: Code
) -> None:
    url, store = flaky
    store.answers = [answer] * 50
    upload = plan(10, 10, lambda n: f"{url}/{n}")
    with pytest.raises(VedetteError) as caught:
        transfer.send(sender, ten_bytes(tmp_path), upload, lambda: upload, lambda _: None)
    assert caught.value.reason.code is code
    assert "ten.bin" in caught.value.reason.message
    assert caught.value.reason.remedy


def test_a_file_that_changes_while_it_is_sent_is_refused(
    flaky: tuple[str, type[Flaky]], tmp_path: Path, sender: PartSender
) -> None:
    url, _ = flaky
    path = ten_bytes(tmp_path)

    def change(_: float) -> None:
        path.write_bytes(b"something else")

    with pytest.raises(VedetteError, match="was changed while it was being sent"):
        transfer.send(sender, path, plan(10, 10, lambda n: f"{url}/{n}"), lambda: pytest.fail("sent"), change)


def test_stopping_is_heeded_while_waiting_to_try_again(flaky: tuple[str, type[Flaky]], tmp_path: Path) -> None:
    url, store = flaky
    store.answers = [503] * 50
    stop = Event()
    sender = PartSender(stop, pause=30.0)
    upload = plan(10, 10, lambda n: f"{url}/{n}")
    Thread(target=lambda: (time.sleep(0.3), stop.set())).start()
    began = time.monotonic()
    with pytest.raises(Stopped):
        transfer.send(sender, ten_bytes(tmp_path), upload, lambda: upload, lambda _: None)
    assert time.monotonic() - began < 2
    sender.close()


def test_a_digest_is_that_of_the_file_and_an_empty_one_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.bin"
    path.write_bytes(os.urandom(9 << 20))
    heard: list[float] = []
    assert transfer.digest(path, Event(), heard.append) == digest.of_file(path)
    assert heard == sorted(heard)
    assert heard[-1] == 1.0
    (tmp_path / "empty.tif").touch()
    with pytest.raises(VedetteError, match=r"empty\.tif is empty") as caught:
        transfer.digest(tmp_path / "empty.tif", Event(), heard.append)
    assert caught.value.reason.code is Code.EMPTY
