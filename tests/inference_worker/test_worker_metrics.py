"""What a detector worker tells Prometheus after a run, and that it says whose trace it works on."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from appliance.clients import tracing
from appliance.contracts.messages import RunFinished
from appliance.inference.worker_metrics import square_kilometres
from appliance.standalone.ports import free_ports
from tests import blobs
from tests.inference_worker.conftest import Bench

pytestmark = pytest.mark.timeout(180)
TRACE = "0af7651916cd43dd8448eb211c80319c"


def _scraped(port: int) -> dict[str, tuple[dict[str, str], float]]:
    text = httpx.get(f"http://127.0.0.1:{port}/metrics", trust_env=False).text
    return {s.name: (s.labels, s.value) for family in text_string_to_metric_families(text) for s in family.samples}


async def test_a_run_is_counted_and_traced(bench: Bench, tmp_path: Path) -> None:
    [port] = free_ports(1)
    bench.environment |= {"VEDETTE_WORK_METRICS_PORT": str(port), "VEDETTE_WORK_LOG_FORMAT": "json"}
    scene = blobs.write_scene(tmp_path / "scene.tif", 900, 700, blobs.centres(900, 700, 80))
    bench.start_worker()
    with tracing.bound(TRACE):
        work = await bench.submit(scene, blobs.write_package(tmp_path / "package"))
    report = await bench.end(work)
    assert isinstance(report.body, RunFinished), report
    deadline = time.monotonic() + 10
    while "vedette_worker_runs_total" not in (told := await asyncio.to_thread(_scraped, port)):
        assert time.monotonic() < deadline
        await asyncio.sleep(0.1)
    model, summary = {"model": work.detector, "version": work.version}, report.body.summary
    assert told["nv_inference_count"] == (model, summary.tiles)
    labels, executions = told["nv_inference_exec_count"]
    assert labels == model
    assert 1 <= executions <= summary.tiles
    assert told["nv_inference_request_success"] == (model, executions)
    assert told["request_predict_seconds_count"] == ({"model_name": work.detector}, executions)
    assert told["nv_inference_compute_infer_duration_us"][1] == pytest.approx(
        told["request_predict_seconds_sum"][1] * 1e6, abs=executions
    )
    assert told["vedette_run_detections_total"][1] == 80
    area = square_kilometres(work.scene)
    assert area is not None
    assert told["vedette_run_detections_per_square_kilometre"][1] == pytest.approx(80 / area)
    assert told["vedette_run_megapixels_per_second"][1] == pytest.approx(summary.megapixels / summary.seconds)
    assert told["vedette_run_model_idle_ratio"][1] == pytest.approx(summary.model_idle_seconds / summary.seconds)
    assert summary.backend.startswith(("onnxruntime", "openvino"))
    assert [note for note in summary.notes if note.startswith("auto chose ")]
    assert (
        0 < told["vedette_model_busy_seconds_total"][1] <= told["nv_inference_compute_infer_duration_us"][1] / 1e6 + 0.1
    )
    assert not [name for name in told if "gpu" in name or "joule" in name], "there is no card here: absent, not zero"
    assert str(work.run_id) not in str(told)
    lines = [line for line in bench.log().splitlines() if str(work.run_id) in line]
    assert lines
    assert all(TRACE in line for line in lines)
