"""One trace from the upload to the detections, as a collector of OpenTelemetry is told it."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests import blobs
from tests.collector import Told
from tests.conftest import Stack
from tests.end_to_end.test_main_job import vedette

pytestmark = [pytest.mark.stack, pytest.mark.timeout(300)]

_EXPECTED = {
    ("vedette-api", "POST /api/datasets/{dataset}/items"),
    ("vedette-api", "publish media.normalise"),
    ("vedette-media-worker", "process media.normalise"),
    ("vedette-media-worker", "fetch original"),
    ("vedette-media-worker", "normalise"),
    ("vedette-media-worker", "store scene"),
    ("vedette-detector-worker", "fetch model package"),
    ("vedette-detector-worker", "detect scene"),
    ("vedette-detector-worker", "store detections"),
    ("vedette-api", "ingest detections"),
}


def test_a_collector_is_told_one_trace_from_upload_to_detection(stack: Stack, tmp_path: Path) -> None:
    scene = blobs.write_scene(tmp_path / "traced.tif", 400, 400, blobs.centres(400, 400, 12))
    package = blobs.write_package(tmp_path / "package", name="traced")
    vedette(stack, "dataset", "create", "traced")
    vedette(stack, "detector", "apply", str(package.folder), "--subscribe", "traced")
    [pushed] = vedette(stack, "item", "push", str(scene), "--dataset", "traced", "--wait-runs")
    trace = pushed["item"]["trace_id"]
    deadline = time.monotonic() + 30
    while not {(one.service, one.name) for one in stack.spans.of(trace)} >= _EXPECTED:
        assert time.monotonic() < deadline, sorted({(one.service, one.name) for one in stack.spans.of(trace)})
        time.sleep(0.2)
    told = stack.spans.of(trace)
    assert len({one.span for one in told}) == len(told)
    assert _parent(told, "process media.normalise") == "publish media.normalise"
    assert _parent(told, "normalise") == "process media.normalise"
    assert _parent(told, "detect scene") == "process lanes"
    assert _parent(told, "process lanes") == "publish detect.traced"


def _parent(told: list[Told], name: str) -> str:
    names = {one.span: one.name for one in told}
    [parent] = {names[one.parent] for one in told if one.name == name}
    return parent
