"""The media worker process against a real NATS and a real object store."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import numpy as np
import psutil
import pytest
import rasterio

from appliance.clients.messaging import Delivery, Messaging
from appliance.clients.objectstore import ObjectStore
from appliance.contracts import keys
from appliance.contracts.base import Sha256
from appliance.contracts.errors import Code
from appliance.contracts.messages import (
    ITEM_REPORT_SUBJECT,
    MAXIMUM_DELIVERIES,
    MEDIA_SUBJECT,
    REPORTS_STREAM,
    REPORTS_SUBJECTS,
    ItemReady,
    ItemReport,
    NormaliseScene,
    WorkFailed,
)
from appliance.contracts.worker import WorkerKind
from appliance.formats import digest
from appliance.media.handler import MediaHandler
from appliance.media.settings import MediaSettings
from appliance.media.spawning import Nursery
from appliance.standalone.ports import free_ports
from tests.media.pictures import UTM, texture, write
from tests.soak.proxy import Proxy

_PATIENCE = 120.0
DURABLE = "api"  # the one consumer that this work queue has


class Bench:
    """The servers, a worker process and the reports it has published."""

    def __init__(self, messaging: Messaging, store: ObjectStore, environment: dict[str, str], folder: Path) -> None:
        self.messaging, self.store, self.folder = messaging, store, folder
        self.reports: list[ItemReport] = []
        self._environment = {**os.environ, **environment, "VEDETTE_WORK_FOLDER": str(folder / "work")}

    def start(self, **environment: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", "appliance.media.worker"], env={**self._environment, **environment}
        )  # fmt: skip

    async def push(self, path: Path, sha256: Sha256 | None = None) -> NormaliseScene:
        work_id = uuid4()
        data = await asyncio.to_thread(path.read_bytes)
        await asyncio.to_thread(self.store.put_bytes, keys.original(work_id), data, "image/tiff")
        work = NormaliseScene(
            item_id=work_id,
            name=path.name,
            original_key=keys.original(work_id),
            original_sha256=sha256 or digest.of_bytes(data),
            size_bytes=len(data),
        )
        await self.messaging.publish(MEDIA_SUBJECT, work, f"media:{work_id}:1")
        return work

    async def outcome(self, work: NormaliseScene) -> ItemReady | WorkFailed:
        async def found() -> ItemReady | WorkFailed:
            while True:
                for report in self.reports:
                    if report.item_id == work.item_id and isinstance(report.body, ItemReady | WorkFailed):
                        return report.body
                await asyncio.sleep(0.1)

        return await asyncio.wait_for(found(), _PATIENCE)

    def of(self, work: NormaliseScene, kind: str) -> list[ItemReport]:
        return [r for r in self.reports if r.item_id == work.item_id and r.body.kind == kind]


@asynccontextmanager
async def bench(nats_server: Any, object_store: Any, folder: Path) -> AsyncIterator[Bench]:
    messaging = await Messaging.connect(nats_server.settings, "test")
    await messaging.ensure_streams()
    store = ObjectStore(object_store.settings)
    await asyncio.to_thread(store.ensure_bucket)
    made = Bench(messaging, store, {**nats_server.environment, **object_store.environment}, folder)

    async def hear(delivery: Delivery) -> None:
        if delivery.subject == ITEM_REPORT_SUBJECT:
            made.reports.append(ItemReport.model_validate_json(delivery.data))

    hearing = asyncio.create_task(messaging.work(REPORTS_STREAM, REPORTS_SUBJECTS, DURABLE, hear, 4))
    try:
        yield made
    finally:
        hearing.cancel()
        await asyncio.wait({hearing})
        await messaging.close()


def stop(worker: subprocess.Popen[bytes], number: int = signal.SIGTERM) -> int:
    worker.send_signal(number)
    return worker.wait(60)


async def until(condition: Callable[[], Any]) -> None:
    end = time.monotonic() + _PATIENCE
    while not condition():
        assert time.monotonic() < end
        await asyncio.sleep(0.1)


@pytest.mark.timeout(400)
async def test_good_and_bad_items_and_a_clean_end(nats_server: Any, object_store: Any, tmp_path: Path) -> None:
    async with bench(nats_server, object_store, tmp_path) as made:
        worker = made.start(VEDETTE_WORK_CONCURRENCY="2")
        try:
            good = await made.push(write(tmp_path / "good.tif", texture(3, 700, 900), crs="EPSG:32633", transform=UTM))
            text = tmp_path / "notes.tif"
            text.write_text("not a scene")
            bad = await made.push(text)
            wrong = await made.push(tmp_path / "good.tif", sha256=digest.of_bytes(b"something else"))
            ready = await made.outcome(good)
            assert isinstance(ready, ItemReady)
            assert ready.scene.width == 900
            assert made.of(good, "started")
            for asset in ready.assets:
                data = await asyncio.to_thread(made.store.get_bytes, asset.key, asset.size_bytes)
                assert digest.of_bytes(data) == asset.sha256
                (tmp_path / asset.role).write_bytes(data)
            with rasterio.open(tmp_path / "scene") as scene:
                np.testing.assert_array_equal(scene.read(), texture(3, 700, 900))
            for work, code in ((bad, Code.UNREADABLE), (wrong, Code.DIGEST)):
                failed = await made.outcome(work)
                assert isinstance(failed, WorkFailed)
                assert failed.reason.code is code
                assert work.name in failed.reason.message
                assert len(made.of(work, "failed")) == 1
            announced = [w for w in await made.messaging.workers() if w.process_id == worker.pid]
            assert [w.kind for w in announced] == [WorkerKind.MEDIA]
        finally:
            code = await asyncio.to_thread(stop, worker)
        assert code == 0
        assert list((tmp_path / "work" / "media").iterdir()) == []
        assert not [w for w in await made.messaging.workers() if w.process_id == worker.pid]


@pytest.mark.timeout(400)
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
async def test_work_survives_its_worker(
    how: signal.Signals, nats_server: Any, object_store: Any, tmp_path: Path
) -> None:
    """Asked to stop, a worker hands its work back at once; killed, the queue takes it back when nobody says it is alive."""
    async with bench(nats_server, object_store, tmp_path) as made:
        large = write(tmp_path / "large.tif", np.tile(texture(3, 500, 500), (1, 6, 6)), crs="EPSG:32633", transform=UTM)
        first = made.start()
        work = await made.push(large)
        await until(lambda: made.of(work, "started"))
        decoders = psutil.Process(first.pid).children(recursive=True)
        await asyncio.to_thread(stop, first, how)
        await asyncio.to_thread(psutil.wait_procs, decoders, 10)
        assert not [decoder for decoder in decoders if decoder.is_running()], "a decoder outlived its worker"
        assert not made.of(work, "failed")
        second = made.start()
        try:
            assert isinstance(await made.outcome(work), ItemReady)
        finally:
            await asyncio.to_thread(stop, second)
        assert list((tmp_path / "work" / "media").iterdir()) == []


async def test_a_store_that_is_away_is_not_held_against_the_item(
    nats_server: Any, object_store: Any, tmp_path: Path
) -> None:
    """The store goes once the worker has begun. Six deliveries find none, one more than would be given up; the next does."""
    async with bench(nats_server, object_store, tmp_path) as made:
        [port] = free_ports(1)
        line = Proxy(port, lambda: urlsplit(object_store.settings.endpoint).port or 0)
        worker = made.start(VEDETTE_STORE_ENDPOINT=f"http://127.0.0.1:{port}")
        try:
            while not [w for w in await made.messaging.workers() if w.process_id == worker.pid]:
                assert worker.poll() is None
                await asyncio.sleep(0.1)
            line.cut()
            work = await made.push(write(tmp_path / "scene.tif", texture(3, 300, 300), crs="EPSG:32633", transform=UTM))
            await until(lambda: made.of(work, "started"))
            await asyncio.sleep(20)  # 1 + 2 + 4 + 8 seconds of back-off, and the tries themselves
            assert not made.of(work, "failed")
            line.mend()
            assert isinstance(await made.outcome(work), ItemReady)
        finally:
            await asyncio.to_thread(stop, worker)
            line.close()


def test_a_worker_that_finds_no_store_says_so_and_ends(nats_server: Any, object_store: Any, tmp_path: Path) -> None:
    """Whoever started it starts it again; meanwhile it takes no work that it could not do."""
    [nowhere] = free_ports(1)
    environment = {**os.environ, **nats_server.environment, **object_store.environment}
    environment |= {"VEDETTE_STORE_ENDPOINT": f"http://127.0.0.1:{nowhere}", "VEDETTE_WORK_FOLDER": str(tmp_path)}
    command = [sys.executable, "-m", "appliance.media.worker"]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=100, check=False)
    assert ended.returncode == 1
    assert "The object store does not answer within 10 seconds" in ended.stderr


async def test_work_that_ends_its_workers_is_given_up(nats_server: Any, object_store: Any, tmp_path: Path) -> None:
    """A worker that dies without a word reports nothing: the sixth to be given the work does, and does not try it."""
    async with bench(nats_server, object_store, tmp_path) as made:
        work = NormaliseScene(
            item_id=uuid4(), name="poison.tif", original_key="none", original_sha256=digest.of_bytes(b""), size_bytes=1
        )
        limits = MediaSettings().limits(1, 1, 1)
        with Nursery() as nursery:
            handler = MediaHandler(made.messaging, made.store, tmp_path, limits, nursery, lambda: None)
            data = work.model_dump_json().encode()
            await handler(Delivery(MEDIA_SUBJECT, data, sequence=1, delivered=MAXIMUM_DELIVERIES + 1))
        failed = await made.outcome(work)
        assert isinstance(failed, WorkFailed)
        assert "poison.tif" in failed.reason.message
        assert not made.of(work, "started")
