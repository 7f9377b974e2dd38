"""Scenes and finished runs into a running appliance, as programs and workers do it. Used by `tiles`, `vectors` and `ingest`."""

from __future__ import annotations

import asyncio
import hashlib
import tempfile
import time
from pathlib import Path
from uuid import UUID

import httpx

from appliance.clients.messaging import Messaging
from appliance.clients.objectstore import ObjectStore
from appliance.contracts import keys
from appliance.contracts.base import Contract
from appliance.contracts.detection import RunSummary
from appliance.contracts.item import BandStatistics, SceneInfo
from appliance.contracts.messages import (
    ITEM_REPORT_SUBJECT,
    RUN_REPORT_SUBJECT,
    ItemReady,
    ItemReport,
    RunFinished,
    RunReport,
)
from appliance.formats import digest, model_package
from appliance.standalone.services.own import Surroundings
from benchmarks import forest

_DATASET = "bench"
_DEMO = Path(__file__).resolve().parents[1] / "demo" / "tree-crowns"
_WAIT_SECONDS = 600


def scene(url: str, token: str, path: Path) -> UUID:
    """Announced, uploaded in parts, waited for: the item, once it is ready. Ends the benchmark when it fails."""
    with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=60) as api:
        api.post("/api/datasets", json={"name": _DATASET}).raise_for_status()
        body = {"name": path.name, "size_bytes": path.stat().st_size, "sha256": digest.of_file(path)}
        announced = api.post(f"/api/datasets/{_DATASET}/items", json=body).raise_for_status().json()
        with httpx.Client(timeout=120) as store, path.open("rb") as source:
            for part in announced["upload"]["parts"]:
                store.put(part["url"], content=source.read(part["size_bytes"])).raise_for_status()
        item = UUID(announced["item"]["id"])
        api.post(f"/api/items/{item}/upload/complete").raise_for_status()
        return _until_ready(api, item, path.name)


def _until_ready(api: httpx.Client, item: UUID, name: str) -> UUID:
    deadline = time.monotonic() + _WAIT_SECONDS
    while time.monotonic() < deadline:
        found = api.get(f"/api/items/{item}").raise_for_status().json()
        if found["state"] == "ready":
            return item
        if found["state"] == "failed":
            raise SystemExit(f"{name}: {found['reason']}")
        time.sleep(0.1)
    raise SystemExit(f"{name} was not ready within {_WAIT_SECONDS} seconds.")


def run(around: Surroundings, token: str, item: UUID, detections: Path, count: int) -> tuple[UUID, float]:
    """A run of `item` that ends with these detections, handed in as a detector worker does; and the seconds from its report
    until it has succeeded. The detector has no workers: it is there by its package alone.
    """
    with httpx.Client(base_url=around.url, headers={"Authorization": f"Bearer {token}"}, timeout=60) as api:
        asked = api.post(f"/api/items/{item}/runs", json={"detector": _apply_detector(api, f"forest-{count}")})
        run_id = UUID(asked.raise_for_status().json()["id"])
        ObjectStore(around.store).put_file(keys.detections(run_id), detections, "application/vnd.apache.parquet")
        began = time.perf_counter()
        summary = RunSummary(detections=count, tiles=1, tiles_skipped=0, megapixels=1, seconds=1)
        body = RunFinished(summary=summary, detections_key=keys.detections(run_id))
        report = RunReport(run_id=run_id, attempt=1, body=body)
        asyncio.run(_publish(around, RUN_REPORT_SUBJECT, report, f"{run_id}/1/finished"))
        deadline = time.monotonic() + _WAIT_SECONDS
        while time.monotonic() < deadline:
            found = api.get(f"/api/runs/{run_id}").raise_for_status().json()
            if found["state"] == "succeeded":
                return run_id, time.perf_counter() - began
            if found["state"] == "failed":
                raise SystemExit(f"the run failed: {found['reason']}")
            time.sleep(0.05)
    raise SystemExit(f"the run did not end within {_WAIT_SECONDS} seconds.")


def _apply_detector(api: httpx.Client, name: str) -> str:
    """A detector of this name whose model is never looked at."""
    original = model_package.read(_DEMO).manifest
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "model.onnx").write_bytes(f"never run: {name}".encode())
        made = model_package.write(Path(folder), original.model_copy(update={"name": name}), {}, "# For a benchmark\n")
        files = [
            {
                "name": file,
                "size_bytes": (made.folder / file).stat().st_size,
                "sha256": digest.of_file(made.folder / file),
            }
            for file in model_package.FILES
        ]
        body = {"manifest": made.manifest.model_dump(mode="json"), "digest": made.digest, "files": files}
        uploads = api.post("/api/detectors", json=body).raise_for_status().json()["uploads"]
        for file, upload in uploads.items():
            for part in upload["parts"]:
                httpx.put(part["url"], content=(made.folder / file).read_bytes()).raise_for_status()
    api.post(f"/api/detectors/{name}/{made.manifest.version}/complete").raise_for_status()
    return name


async def _publish(around: Surroundings, subject: str, message: Contract, message_id: str) -> None:
    messaging = await Messaging.connect(around.messaging, "benchmark")
    try:
        await messaging.publish(subject, message, message_id)
    finally:
        await messaging.close()


def ground(around: Surroundings, token: str) -> UUID:
    """An item in the forest's georeference (forest.py), ready without a worker: what is measured reads no pixel of it."""
    content = b"never read"
    with httpx.Client(base_url=around.url, headers={"Authorization": f"Bearer {token}"}, timeout=60) as api:
        api.post("/api/datasets", json={"name": _DATASET}).raise_for_status()
        body = {"name": "ground", "size_bytes": len(content), "sha256": f"sha256:{hashlib.sha256(content).hexdigest()}"}
        announced = api.post(f"/api/datasets/{_DATASET}/items", json=body).raise_for_status().json()
        httpx.put(announced["upload"]["parts"][0]["url"], content=content).raise_for_status()
        item = UUID(announced["item"]["id"])
        api.post(f"/api/items/{item}/upload/complete").raise_for_status()
        band = BandStatistics(
            name="gray", minimum=0, maximum=255, mean=1, standard_deviation=1, low=0, high=255, valid_percent=100
        )
        known = SceneInfo(
            width=10_000,
            height=10_000,
            dtype="uint8",
            bands=[band],
            colour_interpretation=["gray"],
            block_size=(512, 512),
            overviews=[2, 4, 8, 16],
            crs=forest.CRS,
            transform=forest.TRANSFORM,
            driver="GTiff",
        )
        ready = ItemReport(item_id=item, attempt=1, body=ItemReady(scene=known, assets=[]))
        asyncio.run(_publish(around, ITEM_REPORT_SUBJECT, ready, f"{item}/1/ready"))
        return _until_ready(api, item, "the ground")
