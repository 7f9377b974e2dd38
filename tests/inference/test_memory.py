"""The memory that is asked of a worker for a run, against what runs really take. Each in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine

from appliance.contracts.item import SceneInfo
from appliance.contracts.model_package import GsdRange, Manifest
from appliance.formats import model_package
from appliance.vision.memory import PROCESS_BYTES, run_bytes
from tests import blobs
from tests.inference_worker.conftest import scene_info

_RUN = """
import sys
from pathlib import Path
from appliance.formats import model_package
from appliance.inference.backends.base import Allowance
from appliance.inference.backends.choice import open_backend
from appliance.inference.options import PredictOptions, SceneSource
from appliance.inference.predict import predict_scene
package = model_package.read(Path(sys.argv[1]))
backend = open_backend(sys.argv[3], package, Allowance(threads=2), Path(sys.argv[4])).backend
out = Path(sys.argv[2] + ".parquet")
predict_scene(SceneSource(sys.argv[2], "scene.tif"), package.manifest, backend, out, PredictOptions(decode_threads=2))
status = Path("/proc/self/status").read_text()  # not getrusage, which knows what pytest held before the fork
print(1024 * int(status.partition("VmHWM:")[2].split()[0]))
"""


_TWO_RUNS = """
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from appliance.formats import model_package
from appliance.inference.backends.choice import Opened
from appliance.inference.backends.onnxruntime import OnnxRuntimeBackend
from appliance.inference.options import PredictOptions, SceneSource
from appliance.inference.predict import predict_scene
from appliance.inference.worker_backends import WarmBackends
package = model_package.read(Path(sys.argv[1]))
warm = WarmBackends(lambda of: Opened(of, OnnxRuntimeBackend(of.model_path, of.manifest, threads=2)))
def run(place):
    out = Path(f"{sys.argv[2]}.{place}.parquet")
    with warm.lease(package) as opened:
        predict_scene(SceneSource(sys.argv[2], "scene.tif"), package.manifest, opened.backend, out, PredictOptions(decode_threads=2))
with ThreadPoolExecutor(2) as pool:
    list(pool.map(run, range(2)))
status = Path("/proc/self/status").read_text()
print(1024 * int(status.partition("VmHWM:")[2].split()[0]))
"""


def _taken(package: Path, scene: Path, backend: str = "onnxruntime", run: str = _RUN) -> int:
    """Bytes that the run held at most, its process included. `auto` measures first."""
    command = [sys.executable, "-c", run, package, scene, backend, scene.parent / "choices"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    return int(done.stdout.splitlines()[-1])


def _write(path: Path, size: tuple[int, int], gsd: float = 0.1, **layout: object) -> SceneInfo:
    width, height = size
    profile: dict[str, object] = {"driver": "GTiff", "width": width, "height": height, "count": 3, "dtype": "uint8"}
    profile |= {"crs": "EPSG:32617", "transform": Affine(gsd, 0, 400_000, 0, -gsd, 3_300_000), **layout}
    rows = np.random.default_rng(1).integers(1, 255, (3, 256, width), np.uint8)
    with rasterio.open(path, "w", **profile) as scene:
        for y in range(0, height, 256):
            window = rasterio.windows.Window(0, y, width, min(256, height - y))
            scene.write(rows[:, : window.height], window=window)
    with rasterio.open(path) as scene:
        block = scene.block_shapes[0]
    return scene_info(path).model_copy(update={"block_size": block})


_TILED = {"tiled": True, "blockxsize": 512, "blockysize": 512}


@pytest.mark.parametrize(
    ("size", "layout", "gsd"),
    [
        ((400, 300), _TILED, 0.1),
        ((5000, 4000), _TILED, 0.1),
        ((40_000, 1200), _TILED, 0.1),
        ((30_000, 1200), {"blockysize": 1}, 0.1),
        ((5000, 4000), _TILED, 0.05),
    ],
    ids=["small", "square", "wide", "striped", "resampled"],
)
def test_a_run_takes_no_more_than_it_was_given(
    tmp_path: Path, size: tuple[int, int], layout: dict[str, object], gsd: float
) -> None:
    package = blobs.write_package(tmp_path / "package")
    manifest = _at_a_tenth_of_a_metre(package.manifest)
    model_package.write(package.folder, manifest, {}, "# Blobs\n")
    info = _write(tmp_path / "scene.tif", size, gsd, **layout)
    asked = run_bytes(info, manifest.input, package.model_path.stat().st_size)
    taken = _taken(package.folder, tmp_path / "scene.tif")
    assert taken <= asked <= 3 * taken, f"asked {asked >> 20} MiB, taken {taken >> 20} MiB"


def _at_a_tenth_of_a_metre(manifest: Manifest) -> Manifest:
    gsd = GsdRange(minimum=0.01, nominal=0.1, maximum=1)
    return manifest.model_copy(update={"input": manifest.input.model_copy(update={"gsd_metres": gsd})})


@pytest.mark.parametrize("backend", ["onnxruntime", "openvino", "auto"])
def test_the_demo_model_takes_no_more_than_it_was_given(tmp_path: Path, backend: str) -> None:
    package = model_package.read(Path(__file__).parents[2] / "demo" / "tree-crowns")
    info = _write(tmp_path / "scene.tif", (1200, 900), **_TILED)
    asked = run_bytes(info, package.manifest.input, package.model_path.stat().st_size)
    taken = _taken(package.folder, tmp_path / "scene.tif", backend)
    assert taken <= asked <= 4 * taken, f"asked {asked >> 20} MiB, taken {taken >> 20} MiB: for eight threads, with two"


def test_two_runs_that_share_a_backend_take_no_more_than_both_were_given(tmp_path: Path) -> None:
    package = model_package.read(Path(__file__).parents[2] / "demo" / "tree-crowns")
    info = _write(tmp_path / "scene.tif", (1200, 900), **_TILED)
    asked = run_bytes(info, package.manifest.input, package.model_path.stat().st_size)
    taken = _taken(package.folder, tmp_path / "scene.tif", run=_TWO_RUNS)
    assert taken <= 2 * asked - PROCESS_BYTES, f"asked {asked >> 20} MiB each, taken {taken >> 20} MiB together"
