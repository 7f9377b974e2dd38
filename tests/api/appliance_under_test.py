"""What the tests of the API hold in their hands, and the steps they have in common."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
from sqlalchemy import text

from appliance.api.background.placer import Placer
from appliance.api.background.publisher import Publisher
from appliance.api.background.reconciler import Reconciler
from appliance.api.background.removals import Removals
from appliance.api.background.reports import ReportConsumer
from appliance.api.services import Services
from appliance.api.storage.database import Database
from appliance.clients.messaging import Delivery, Messaging
from appliance.clients.objectstore import ObjectStore
from appliance.contracts import keys
from appliance.contracts.base import Contract
from appliance.contracts.item import Asset, AssetRole, SceneInfo
from appliance.contracts.messages import (
    ITEM_REPORT_SUBJECT,
    RUN_REPORT_SUBJECT,
    ItemReady,
    ItemReport,
    RunReport,
)
from appliance.contracts.worker import WorkerAnnouncement
from tests.api import samples

ADDRESS = "http://vedette.test"
DATASET = "port-survey"


@dataclass
class Appliance:
    client: httpx.AsyncClient
    stranger: httpx.AsyncClient
    outside: httpx.AsyncClient
    services: Services
    database: Database
    messaging: Messaging
    store: ObjectStore
    stopping: asyncio.Event
    url: str
    publisher: Publisher
    reports: ReportConsumer
    reconciler: Reconciler
    removals: Removals
    placer: Placer

    async def sql(self, statement: str, **values: Any) -> list[tuple[Any, ...]]:
        async with self.database.begin() as connection:
            found = await connection.execute(text(statement), values)
            return [tuple(row) for row in found] if found.returns_rows else []

    async def report(self, message: Contract) -> None:
        """Hand a report to the consumer, as NATS would."""
        subject = ITEM_REPORT_SUBJECT if isinstance(message, ItemReport) else RUN_REPORT_SUBJECT
        assert isinstance(message, ItemReport | RunReport)
        await self.reports.handle(Delivery(subject, message.model_dump_json().encode(), 1, 1))

    async def announce(self, content: bytes, name: str = "scene.tif", dataset: str = DATASET) -> httpx.Response:
        await self.client.post("/api/datasets", json={"name": dataset})
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        body = {"name": name, "size_bytes": len(content), "sha256": digest}
        return await self.client.post(f"/api/datasets/{dataset}/items", json=body)

    async def send(self, upload: dict[str, Any], content: bytes) -> None:
        """PUT the missing parts to the store, as a browser does."""
        for part in upload["parts"]:
            if part["url"]:
                start = (part["number"] - 1) * upload["part_size_bytes"]
                piece = content[start : start + part["size_bytes"]]
                (await self.outside.put(part["url"], content=piece)).raise_for_status()

    async def push(self, content: bytes | None = None, name: str = "scene.tif", dataset: str = DATASET) -> UUID:
        """An item that is uploaded and queued."""
        content = content or secrets.token_bytes(1000)
        announced = (await self.announce(content, name, dataset)).json()
        await self.send(announced["upload"], content)
        done = await self.client.post(f"/api/items/{announced['item']['id']}/upload/complete")
        assert done.status_code == 200, done.text
        return UUID(done.json()["id"])

    async def push_ready(
        self, scene: SceneInfo | None = None, name: str = "scene.tif", dataset: str = DATASET, sha256: str | None = None
    ) -> UUID:
        """An item that a media worker has reported ready."""
        item_id = await self.push(name=name, dataset=dataset)
        await self.report(ready(item_id, scene or samples.scene_info(), sha256 or f"sha256:{'a' * 64}"))
        return item_id

    async def apply_detector(self, folder: Path, subscribe: list[str] | None = None, **changes: Any) -> dict[str, Any]:
        """A model package, uploaded and verified."""
        package = samples.package(folder, **changes)
        answer = await self.client.post("/api/detectors", json=samples.package_body(package, subscribe))
        assert answer.status_code == 200, answer.text
        for name, upload in answer.json()["uploads"].items():
            await self.send(upload, (package.folder / name).read_bytes())
        where = f"/api/detectors/{package.manifest.name}/{package.manifest.version}"
        done = await self.client.post(f"{where}/complete")
        assert done.status_code == 200, done.text
        found: dict[str, Any] = done.json()
        return found

    async def start_run(self, item_id: UUID, detector: str = "crowns") -> UUID:
        answer = await self.client.post(f"/api/items/{item_id}/runs", json={"detector": detector})
        assert answer.status_code in {200, 201}, answer.text
        return UUID(answer.json()["id"])

    def worker(self, **said: Any) -> WorkerAnnouncement:
        """A detector worker, heard of by this API alone."""
        made = samples.worker(**said)
        self.services.roster.hear(made.id, made)
        return made

    async def place(self) -> dict[UUID, UUID]:
        """Have the placer look; which runs it sent to which worker, and nothing stays in the outbox."""
        assert await self.placer.once()
        rows = await self.sql("SELECT body->>'run_id', body->>'worker_id' FROM outbox WHERE subject LIKE 'detect.%'")
        await self.sql("DELETE FROM outbox")
        return {UUID(run): UUID(worker) for run, worker in rows}

    async def finish_run(self, item_id: UUID, run_id: UUID, path: Path, count: int, attempt: int = 1) -> dict[str, Any]:
        """Put a detections file where a worker does, report it, and give the run as it then is."""
        await asyncio.to_thread(self.store.put_file, keys.detections(run_id), path, "application/vnd.apache.parquet")
        await self.report(samples.finished(run_id, count, attempt))
        found: dict[str, Any] = (await self.client.get(f"/api/runs/{run_id}")).json()
        return found


def ready(item_id: UUID, scene: SceneInfo, sha256: str, attempt: int = 1) -> ItemReport:
    asset = Asset(role=AssetRole.SCENE, key=keys.scene(item_id), media_type="image/tiff", size_bytes=10, sha256=sha256)
    return ItemReport(item_id=item_id, attempt=attempt, body=ItemReady(scene=scene, assets=[asset]))
