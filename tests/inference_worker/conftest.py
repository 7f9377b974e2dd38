"""A queue and a store of their own for detector workers, and what a test does with them.

bench     Bench: submit(), reports(), wait_for_end(), cancel(), start_worker()
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID, uuid4

import pytest
import rasterio

from appliance.clients.messaging import Delivery, Messaging
from appliance.clients.objectstore import ObjectStore
from appliance.clients.settings import MessagingSettings
from appliance.contracts import keys
from appliance.contracts.item import BandStatistics, SceneInfo
from appliance.contracts.messages import (
    REPORTS_STREAM,
    RUN_REPORT_SUBJECT,
    DetectScene,
    RunCancelled,
    RunFinished,
    RunReport,
    WorkFailed,
)
from appliance.contracts.run import run_id
from appliance.formats import model_package
from appliance.formats.model_package import ModelPackage
from appliance.standalone.credentials import Credentials
from appliance.standalone.ports import free_ports
from appliance.standalone.services.nats import Nats
from tests.conftest import StoreServer
from tests.servers import private_environment, running, temporary_folder


@dataclass(frozen=True)
class OwnNats:
    settings: MessagingSettings
    environment: dict[str, str]


@pytest.fixture(scope="package")
def own_nats() -> Iterator[OwnNats]:
    """Work queues have one consumer; another test's would take our reports."""
    with temporary_folder() as folder:
        nats = Nats(folder / "nats", free_ports(1)[0], Credentials(folder / "secrets"))
        settings = nats.settings()
        environment = {
            "VEDETTE_NATS_URL": settings.url,
            "VEDETTE_NATS_USER": settings.user,
            "VEDETTE_NATS_PASSWORD": settings.password.get_secret_value(),
        }
        with running(nats.service(), folder):
            yield OwnNats(settings, environment)


@dataclass
class Bench:
    """Plays the API's part: puts scenes and packages into the store, publishes work, hears reports."""

    messaging: Messaging
    store: ObjectStore
    environment: dict[str, str]
    folder: Path
    heard: dict[UUID, list[tuple[float, RunReport]]] = field(default_factory=lambda: defaultdict(list))
    placed: Counter[UUID] = field(default_factory=Counter)
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    async def hear(self, delivery: Delivery) -> None:
        report = RunReport.model_validate_json(delivery.data)
        self.heard[report.run_id].append((time.monotonic(), report))

    def start_worker(self, name: str = "worker", **settings: str) -> subprocess.Popen[bytes]:
        with (self.folder / f"{name}.log").open("ab") as log:
            worker = subprocess.Popen(
                [sys.executable, "-m", "appliance.inference.worker"],
                env=self.environment
                | {"VEDETTE_WORK_FOLDER": str(self.folder / "work"), "VEDETTE_WORK_THREADS": "1"}
                | settings,
                stdout=log,
                stderr=log,
            )
        self.workers.append(worker)
        return worker

    def log(self, name: str = "worker") -> str:
        return (self.folder / f"{name}.log").read_text()

    def put_package(self, package: ModelPackage) -> str:
        prefix = keys.model_prefix(package.manifest.name, package.manifest.version)
        for name in model_package.files_of(package.manifest):
            self.store.put_file(prefix + name, package.folder / name, "application/octet-stream")
        return prefix

    def put_scene(self, path: Path) -> tuple[UUID, SceneInfo]:
        item_id = uuid4()
        self.store.put_file(keys.scene(item_id), path, "image/tiff")
        return item_id, scene_info(path)

    async def submit(self, path: Path, package: ModelPackage, attempt: int = 1) -> DetectScene:
        """Place work for the package on the scene."""
        return await self.place(await self.prepare(path, package, attempt))

    async def prepare(self, path: Path, package: ModelPackage, attempt: int = 1) -> DetectScene:
        """What is to be placed."""
        prefix = await asyncio.to_thread(self.put_package, package)
        item_id, info = await asyncio.to_thread(self.put_scene, path)
        return DetectScene(
            run_id=run_id(item_id, package.digest),
            item_id=item_id,
            item_name=path.name,
            scene_key=keys.scene(item_id),
            scene=info,
            detector=package.manifest.name,
            version=package.manifest.version,
            package_prefix=prefix,
            package_digest=package.digest,
            attempt=attempt,
            worker_id=uuid4(),
        )

    async def place(self, work: DetectScene) -> DetectScene:
        """On a worker that lives, as the API does; on several of them in turn."""
        lane = await self.lane()
        self.placed[lane] += 1
        placed = work.model_copy(update={"worker_id": lane})
        message_id = f"{work.run_id}/{work.attempt}/{uuid4()}"
        await self.messaging.publish(placed.subject, placed, message_id)
        return placed

    async def lane(self, seconds: float = 60.0) -> UUID:
        """The lane, of a worker of ours that announces itself, on which the fewest runs were placed."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            alive = {worker.pid for worker in self.workers if worker.poll() is None}
            there = [each for each in await self.messaging.workers() if each.process_id in alive]
            if alive and len(there) == len(alive):
                return min((each.id for each in there), key=lambda lane: self.placed[lane])
            await asyncio.sleep(0.1)
        raise AssertionError(f"no worker announced itself within {seconds} s\n{self.log()}")

    async def until(self, work: DetectScene, kinds: tuple[type, ...], seconds: float = 60.0) -> RunReport:
        """The first report of one of these kinds."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            for _, report in self.heard[work.run_id]:
                if isinstance(report.body, kinds):
                    return report
            assert all(worker.poll() in (None, -9, 0) for worker in self.workers), self.log()
            await asyncio.sleep(0.02)
        raise AssertionError(f"no {kinds} within {seconds} s: {self.heard[work.run_id]}\n{self.log()}")

    async def end(self, work: DetectScene, seconds: float = 60.0) -> RunReport:
        return await self.until(work, (RunFinished, RunCancelled, WorkFailed), seconds)

    def detections(self, work: DetectScene) -> Path:
        path = self.folder / f"{work.run_id}.parquet"
        self.store.get_file(keys.detections(work.run_id), path)
        return path

    def checkpoints(self, work: DetectScene) -> list[str]:
        return sorted(found.key for found in self.store.list_objects(f"{keys.run_prefix(work.run_id)}bands/"))

    def stop(self) -> None:
        for worker in self.workers:
            if worker.poll() is None:
                worker.terminate()
        for worker in self.workers:
            try:
                worker.wait(30)
            except subprocess.TimeoutExpired:
                worker.kill()
                worker.wait()


@pytest.fixture
async def bench(own_nats: OwnNats, object_store: StoreServer, tmp_path: Path) -> AsyncIterator[Bench]:
    messaging = await Messaging.connect(own_nats.settings, "bench")
    await messaging.ensure_streams()
    store = ObjectStore(object_store.settings)
    await asyncio.to_thread(store.ensure_bucket)
    environment = private_environment() | own_nats.environment | object_store.environment
    made = Bench(messaging, store, environment, tmp_path)
    listening = asyncio.create_task(messaging.work(REPORTS_STREAM, RUN_REPORT_SUBJECT, "bench", made.hear, 4))
    try:
        yield made
    finally:
        await asyncio.to_thread(made.stop)
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
        await messaging.close()


def scene_info(path: Path) -> SceneInfo:
    """What a media worker would have recorded of this uint8 GeoTIFF."""
    with rasterio.open(path) as scene:
        bands = [
            BandStatistics(
                name=name, minimum=0, maximum=255, mean=25, standard_deviation=30, low=0, high=255, valid_percent=100
            )
            for name in ("red", "green", "blue")
        ]
        return SceneInfo(
            width=scene.width,
            height=scene.height,
            dtype="uint8",
            bands=bands,
            colour_interpretation=["red", "green", "blue"],
            block_size=(256, 256),
            overviews=[],
            crs=scene.crs.to_string() if scene.crs else None,
            transform=tuple(scene.transform)[:6],
            gsd_metres=abs(scene.transform.a) if scene.crs else None,
            driver="COG",
        )
