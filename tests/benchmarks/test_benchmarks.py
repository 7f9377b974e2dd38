"""Every benchmark still runs, and prints what it should: a small scene, one round. The figures are not judged here."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import rasterio

from benchmarks import crowd, scenes
from benchmarks.environment import peers_ready
from benchmarks.report import Comparison, compare, interleave

ROOT = Path(__file__).resolve().parents[2]
PEERS = {
    "backends": ["the fastest of", "bare onnxruntime", "bare openvino"],
    "predict": ["bare", "onnxruntime, all threads on one batch", "sahi, overlap 0.2", "sahi, overlap"],
    "feed": ["decode", "sahi"],
    "memory": ["ours at 1500 x 1500", "sahi", "sahi"],
    "merge": ["sahi NMM", "sahi NMM with its objects"],
    "normalise": ["rio cogeo create", "ours at 1500 x 1500"],
    "tiles": ["TiTiler"] * 14,
    "vectors": ["bare ST_AsMVT through psycopg"] * 4,
    "dispatch": ["Celery with RabbitMQ"] * 3 + ["bare JetStream pull consumer"] * 2,
    "ingest": ["the limit", "ours at 2000"],
}


@pytest.mark.skipif(not peers_ready(), reason="no peers' environment yet: python -m benchmarks.environment")
@pytest.mark.parametrize("name", PEERS)
def test_quick_run_prints_its_comparisons(name: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", name, "--quick"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(lines) == len(PEERS[name])
    for line, peer in zip(lines, PEERS[name], strict=True):
        assert set(line) == {"name", "metric", "ours", "peer", "peer_name", "ratio", "better", "unit", "machine"}
        assert line["name"] == name
        assert line["peer_name"].startswith(peer)
        assert line["ours"] > 0
        assert line["ratio"] == pytest.approx(line["ours"] / line["peer"], rel=2e-3)


@pytest.mark.browser
@pytest.mark.stack
def test_quick_page_prints_its_budget() -> None:
    """A budget of nothing has no ratio, and is kept on any machine."""
    command = [sys.executable, "-m", "benchmarks", "page", "--quick"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    lines = {line["metric"]: line for line in map(json.loads, done.stdout.splitlines())}
    assert len(lines) == 10
    for metric in ("requests to other hosts", "accessibility violations, dark and light"):
        assert (lines[metric]["ours"], lines[metric]["ratio"]) == (0, None)
    assert 0 < lines["JavaScript, gzip"]["ours"] <= 350
    assert all(line["ours"] > 0 for line in lines.values() if line["peer"])


def test_medians_and_ratio() -> None:
    comparison = compare("merge", "wall time", [3.0, 1.0, 2.0], ("peer", [8.0, 4.0, 100.0]), "lower", "s")
    assert comparison == Comparison("merge", "wall time", 2.0, 8.0, "peer", "lower", "s")
    assert comparison.ratio == 0.25
    assert json.loads(comparison.line())["ratio"] == 0.25


def test_sides_take_turns() -> None:
    order: list[str] = []
    interleave(2, ours=lambda: order.append("ours"), peer=lambda: order.append("peer"))
    assert order == ["ours", "peer", "ours", "peer"]


def test_mosaic_is_the_same_twice_and_no_two_crops_are_alike(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    images = [random.integers(0, 255, (1500, 1400, 3), dtype=np.uint8)]
    for name in ("one.tif", "two.tif"):
        scenes.write_mosaic(tmp_path / name, 2100, images)
    with rasterio.open(tmp_path / "one.tif") as one, rasterio.open(tmp_path / "two.tif") as two:
        pixels = one.read()
        assert (pixels == two.read()).all()
        assert one.block_shapes == [(512, 512)] * 3
        assert one.crs.to_epsg() == 32612
        assert one.res == pytest.approx((0.1, 0.1))
    assert (pixels[:, :1024, :1024] != pixels[:, :1024, 1024:2048]).mean() > 0.9


def test_crowd_is_seen_from_overlapping_tiles() -> None:
    arrays = crowd.seen_by_tiles(2000, tile=512, halo=64, seed=1)
    assert len(arrays["boxes"]) == len(arrays["scores"]) == len(arrays["tile"]) == 2000
    corner = arrays["tile"] == 0  # its window ends a halo beyond its core
    middle = (arrays["boxes"][corner, :2] + arrays["boxes"][corner, 2:]) / 2
    assert middle.max() < 512 - 64 + 10
    assert middle.max() > 384
