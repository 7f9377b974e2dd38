"""Two runs of one detector on one worker process: one model is loaded, and their tiles go through it together."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import numpy as np
import pytest

from appliance.contracts.messages import RunCancelled, RunFinished, RunProgress, RunStarted
from appliance.standalone.ports import free_ports
from tests import blobs
from tests.inference_worker.conftest import Bench
from tests.inference_worker.test_worker import expected, found
from tests.inference_worker.test_worker_metrics import _scraped

pytestmark = pytest.mark.timeout(180)


async def test_runs_at_once_share_the_model_and_one_is_cancelled(bench: Bench, tmp_path: Path) -> None:
    [port] = free_ports(1)
    bench.environment |= {"VEDETTE_WORK_METRICS_PORT": str(port), "VEDETTE_WORK_CONCURRENCY": "3"}
    bench.environment |= {"VEDETTE_WORK_BATCH_DELAY_MILLISECONDS": "100"}
    package = blobs.write_package(tmp_path / "package", name="together", burn=2)
    sizes = [(1200, 2400), (900, 900), (900, 900)]
    centres = [blobs.centres(*size, 60, seed) for seed, size in enumerate(sizes)]
    paths = [blobs.write_scene(tmp_path / f"{n}.tif", *sizes[n], each) for n, each in enumerate(centres)]
    bench.start_worker()
    works = [await bench.prepare(path, package) for path in paths]
    for work in works:
        await bench.place(work)
    await bench.until(works[0], (RunProgress,))
    await bench.messaging.cancel_run(works[0].run_id)
    ends = [await bench.end(work, 120) for work in works]
    assert [type(end.body) for end in ends] == [RunCancelled, RunFinished, RunFinished]
    for work, where in list(zip(works, centres, strict=True))[1:]:
        np.testing.assert_allclose(found(bench.detections(work)), expected(where), atol=0.01)
    assert bench.log().count("model loaded") == 1
    told = await asyncio.to_thread(_scraped, port)
    assert told["nv_inference_exec_count"][1] < told["nv_inference_request_success"][1], (
        "nothing was looked at together"
    )
    assert told["nv_inference_queue_duration_us"][1] > 0


async def test_a_card_that_is_lost_in_the_middle_ends_no_run(bench: Bench, tmp_path: Path, nvml_library: Path) -> None:
    [port] = free_ports(1)
    cards = tmp_path / "cards"
    cards.write_text("0 75 3000 8000 250500 10000 700\n")
    bench.environment |= {"VEDETTE_WORK_METRICS_PORT": str(port), "NVML_STAND_IN": str(cards)}
    bench.environment |= {"LD_LIBRARY_PATH": str(nvml_library)}
    package = blobs.write_package(tmp_path / "package", name="carded", burn=1)
    scene = blobs.write_scene(tmp_path / "scene.tif", 900, 900, blobs.centres(900, 900, 60))
    bench.start_worker()
    await bench.lane()
    assert (await asyncio.to_thread(_scraped, port))["nv_gpu_utilization"] == ({"gpu_uuid": "GPU-a"}, 0.75)
    work = await bench.submit(scene, package)
    await bench.until(work, (RunStarted,))
    cards.write_text("0 75 3000 8000 250500 15000 700\n")
    assert isinstance((await bench.end(work)).body, RunFinished)
    told = await until_told(port, "vedette_run_joules_total")
    labels, joules = told["vedette_run_joules_total"]
    assert labels == {"detector": "carded", "version": "1.0.0"}
    assert joules == 5
    assert told["vedette_run_megapixels_per_joule"][1] == pytest.approx(0.81 / 5)
    assert told["vedette_model_gpu_memory_bytes"][1] == 0, "nothing was taken of the card"
    cards.write_text("15 75 3000 8000 250500 15000 700\n")
    assert not [name for name in await asyncio.to_thread(_scraped, port) if name.startswith("nv_gpu")]
    again = await bench.submit(scene, package)
    assert isinstance((await bench.end(again)).body, RunFinished)
    assert bench.log().count("card lost") == 1


async def until_told(port: int, name: str) -> dict[str, tuple[dict[str, str], float]]:
    deadline = time.monotonic() + 20
    while name not in (told := await asyncio.to_thread(_scraped, port)):
        assert time.monotonic() < deadline
        await asyncio.sleep(0.1)
    return told
