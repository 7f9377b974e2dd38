"""What of `gpu` can be known without a card: it refuses in a sentence, and its arithmetic and its sides hold."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
import rasterio
from onnx import parser

from appliance.formats import model_package
from appliance.inference.gpu_meter import Card
from benchmarks import dense, gpu, roofline, stored
from benchmarks.roofline import Peak, Work
from benchmarks.settings import Settings
from tests.inference import models

ROOT = Path(__file__).resolve().parents[2]
H100 = Card("GPU-a", "H100", (9, 0), 16_896, 1.98e9, 3.35e12)


def bench(name: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "benchmarks", name, "--quick"]
    return subprocess.run(command, cwd=ROOT, env=os.environ | environment, capture_output=True, text=True, check=False)


def test_without_a_card_it_says_so_and_does_nothing() -> None:
    done = bench("gpu", CUDA_VISIBLE_DEVICES="")
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr == "There is no NVIDIA card on this machine: nothing was measured.\n"


def test_with_a_card_but_no_backend_for_it_it_says_so(tmp_path: Path, nvml_library: Path) -> None:
    (tmp_path / "cards").write_text("0 75 3000 8000 250500 10000 700\n")
    hidden = {
        "LD_LIBRARY_PATH": str(nvml_library),
        "NVML_STAND_IN": str(tmp_path / "cards"),
        "CUDA_VISIBLE_DEVICES": "0",
    }
    done = bench("gpu", **hidden)
    assert done.returncode == 1
    assert done.stdout == ""
    assert "No backend here computes on the Stand-in" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_device_bench_prints_its_comparisons() -> None:
    done = bench("device")
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["unit"] for line in lines] == ["MP/s", "s/MP", "MB", "tiles/s", "s", "kB"] + ["MP/s"] * (
        len(stored.WAYS) - 1
    )
    assert all(line["ours"] > 0 for line in lines)
    assert lines[5]["ours"] == pytest.approx(300 * 28 / 1000)
    assert lines[5]["peer"] == pytest.approx(8 * 128 * 128 * 4 / 1000, rel=1e-3)


def test_work_is_counted_from_the_graph(tmp_path: Path) -> None:
    """Two convolutions and three heads by hand; FP16."""
    folder = dense.write(tmp_path / "dense")
    work = roofline.of_model(folder / "model.onnx", model_package.parse_manifest(folder / "manifest.yaml"))
    first, second, heads = 256 * 256 * 16 * 3 * 9, 128 * 128 * 32 * 16 * 9, 128 * 128 * 8 * 32
    assert work.operations == 2 * (first + second + heads)
    assert work.weight_bytes == 2 * (16 * 3 * 9 + 32 * 16 * 9 + 8 * 32)
    maps = (512 * 512 * 3 + 256 * 256 * 16) + (256 * 256 * 16 + 128 * 128 * 32) + 3 * 128 * 128 * 32 + 128 * 128 * 8
    assert work.bytes == 2 * maps


def test_matrix_products_and_grouped_convolutions_are_counted(tmp_path: Path) -> None:
    text = """<ir_version: 9, opset_import: ["": 18]>
    g (uint8[N,32,32,3] tiles) => (float[N,6,32,32] heatmap, float[N,2,32,32] size, float[N,2,32,32] offset) {
      real = Cast <to = 1> (tiles)
      planar = Transpose <perm = [0, 3, 1, 2]> (real)
      w = Constant <value = float[3,1,3,3] {1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1}> ()
      deep = Conv <group = 3, pads = [1, 1, 1, 1]> (planar, w)
      flat = Transpose <perm = [0, 2, 3, 1]> (deep)
      m = Constant <value = float[3,6] {1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1}> ()
      mixed = MatMul (flat, m)
      heatmap = Transpose <perm = [0, 3, 1, 2]> (mixed)
      size, offset, rest = Split <axis = 1, num_outputs = 3> (heatmap)
    }"""
    path = tmp_path / "model.onnx"
    onnx.save(parser.parse_model(text), str(path))
    manifest = models.manifest(decode={"kind": "centre"}, input={"tile_size": 32, "halo": 4})
    work = roofline.of_model(path, manifest)
    assert work.operations == 2 * (32 * 32 * 3 * 9 + 32 * 32 * 6 * 3)


def test_the_roofline_is_the_lower_of_two_roofs() -> None:
    peak = roofline.of_card(H100)
    assert peak is not None
    assert peak.operations_per_second == pytest.approx(132 * 4096 * 1.98e9)
    heavy, wide = Work(1e12, 1e6, 0), Work(1e6, 3.35e9, 0)
    assert roofline.tiles_per_second(heavy, peak, 1) == pytest.approx(peak.operations_per_second / 1e12)
    assert roofline.tiles_per_second(wide, peak, 1) == pytest.approx(1000)
    weights = Work(0, 0, 1e9)
    assert roofline.tiles_per_second(weights, Peak(1, 1e9), 16) == pytest.approx(16)
    unknown = Card("GPU-b", "?", (99, 0), 1, 1.0, 1.0)
    assert roofline.of_card(unknown) is None


def test_its_sides_run_on_the_processor_in_the_place_of_a_card(tmp_path: Path) -> None:
    """What a session with a card will run, so that it runs there: figures beside a card that is not there mean nothing."""
    light = Settings(dense.write(tmp_path / "dense"), dense.TILE, halo=40, threshold=0.6)
    target = gpu.Target(H100, "onnxruntime", light, batches=1)
    lines = [*gpu._batching(target, 1), *gpu._end_to_end(target, 600, 1)]
    assert [line.peer_name for line in lines] == [
        "one tile at a time", "the roofline in FP16", "the bare backend", "one run", "always"
    ]  # fmt: skip
    assert all(line.ours > 0 and line.ratio for line in lines)
    assert 0 < lines[4].ours < 1


def test_the_busy_share_is_what_the_model_did_not_wait() -> None:
    assert gpu.busy([{"idle_seconds": 1.0, "seconds": 20.0}]) == [0.95]


def test_every_way_of_storing_holds_the_scene(tmp_path: Path) -> None:
    path = tmp_path / "scene.tif"
    pixels = np.random.default_rng(1).integers(0, 255, (3, 64, 64), np.uint8).repeat(16, 1).repeat(16, 2)
    profile = {"driver": "GTiff", "count": 3, "width": 1024, "height": 1024, "dtype": "uint8", "photometric": "rgb"}
    with rasterio.open(path, "w", **profile, crs="EPSG:32612", transform=rasterio.Affine(1, 0, 0, 0, -1, 9)) as scene:
        scene.write(pixels)
    seen = []
    for way, copy in stored.copies(path, tmp_path):
        with rasterio.open(copy) as scene:
            assert scene.block_shapes == [(512, 512)] * 3
            difference = np.abs(scene.read().astype(int) - pixels)
        assert difference.max() == 0 or "JPEG" in way
        assert np.median(difference) < 8
        seen.append(way)
    assert seen == list(stored.WAYS)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["scene.tif"]
