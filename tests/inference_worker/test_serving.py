"""A worker that serves as a Detector says, and its probes, against a real queue and a real store."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import httpx
import numpy as np
import pyarrow.parquet as pq
import pytest
import shapely

from appliance.contracts.messages import RunFinished
from appliance.contracts.serving import Area, Serving
from appliance.standalone.ports import free_ports
from appliance.vision.georeference import Georeference
from tests import blobs
from tests.inference_worker.conftest import Bench

pytestmark = pytest.mark.timeout(180)


async def test_what_lies_in_an_excluded_area_is_not_found_and_the_run_says_so(bench: Bench, tmp_path: Path) -> None:
    centres = blobs.centres(900, 700, 80)
    scene = blobs.write_scene(tmp_path / "scene.tif", 900, 700, centres)
    place = Georeference.of("EPSG:32617", (0.1, 0, 400_000, 0, -0.1, 3_300_000), "scene")
    west = place.lonlat(np.array([[-10.0, -10], [450, -10], [450, 710], [-10, 710]]))
    area = Area(geometry=shapely.geometry.mapping(shapely.Polygon(west)), mode="exclude")
    serving = tmp_path / "serving.json"
    serving.write_text(Serving(threshold=0.5, area=area).model_dump_json())
    bench.start_worker(VEDETTE_WORK_SERVING=str(serving))
    work = await bench.submit(scene, blobs.write_package(tmp_path / "package", name="fenced"))
    report = await bench.end(work)
    assert isinstance(report.body, RunFinished), report
    assert (np.asarray(pq.read_table(bench.detections(work))["x"]) > 450).all()
    assert report.body.summary.detections == (centres[:, 0] + 0.5 > 450).sum()
    assert "The threshold is 0.5, as the detector says." in report.body.summary.notes
    assert "Only what lies outside the detector's geofence counts." in report.body.summary.notes


async def test_a_serving_file_that_is_none_ends_the_worker_with_a_sentence(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "serving.json").write_text('{"recipe": {"after": [{"step": "blur"}]}}')
    worker = bench.start_worker(VEDETTE_WORK_SERVING=str(tmp_path / "serving.json"))
    assert await asyncio.to_thread(worker.wait, 60) == 1
    assert "The detector's recipe has the step blur, which is not known." in bench.log()
    assert "Traceback" not in bench.log()
    bench.workers.clear()


async def test_a_worker_whose_store_is_away_is_alive_not_ready_and_gives_up(bench: Bench) -> None:
    port, nobody = free_ports(2)
    worker = bench.start_worker(
        VEDETTE_WORK_METRICS_PORT=str(port), VEDETTE_STORE_ENDPOINT=f"http://127.0.0.1:{nobody}"
    )
    seen: set[tuple[int, int]] = set()
    deadline = time.monotonic() + 60
    while worker.poll() is None and time.monotonic() < deadline:
        try:
            async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as http:
                seen.add(((await http.get("/healthz")).status_code, (await http.get("/readyz")).status_code))
        except httpx.TransportError:
            pass
        await asyncio.sleep(0.2)
    assert worker.poll() == 1
    assert seen == {(200, 503)}
    assert "waiting for the object store" in bench.log()
    assert "The object store does not answer within 10 seconds" in bench.log()
    bench.workers.clear()
