"""Resume, cancel, errors in any stage, progress: a run as its caller sees it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from appliance.contracts.errors import Code, VedetteError
from appliance.contracts.run import Progress
from appliance.inference.backends.onnxruntime import OnnxRuntimeBackend
from appliance.inference.checkpoints import FolderCheckpoints
from appliance.inference.options import Hooks, PredictOptions, SceneSource
from appliance.inference.predict import predict_scene
from tests.inference import scenes
from tests.inference.models import Blobs, manifest, write_package

_WIDTH, _HEIGHT = 500, 900
_SMALL_BANDS = PredictOptions(band_tile_rows=2, batch_size=3)


@pytest.fixture
def scene(tmp_path: Path) -> SceneSource:
    there = scenes.boxes(5, _WIDTH, _HEIGHT, 400)
    path = scenes.write(tmp_path / "harbour.tif", scenes.drawn(there, _WIDTH, _HEIGHT))
    return SceneSource(str(path), "harbour.tif")


class FailsAfter(Blobs):
    def __init__(self, batches: int, error: Exception) -> None:
        super().__init__()
        self.left, self.error = batches, error

    def infer(self, tiles: np.ndarray) -> dict[str, np.ndarray]:
        self.left -= 1
        if self.left < 0:
            raise self.error
        return super().infer(tiles)


@pytest.mark.parametrize("batches", [0, 4, 9, 17])
def test_a_run_that_was_cut_short_goes_on_and_gives_the_same_bytes(
    scene: SceneSource, tmp_path: Path, batches: int
) -> None:
    undisturbed, resumed = tmp_path / "a.parquet", tmp_path / "b.parquet"
    whole = predict_scene(scene, manifest(), Blobs(), undisturbed, _SMALL_BANDS)
    hooks = Hooks(checkpoints=FolderCheckpoints(tmp_path / "bands"))
    with pytest.raises(ZeroDivisionError):
        predict_scene(scene, manifest(), FailsAfter(batches, ZeroDivisionError()), resumed, _SMALL_BANDS, hooks)
    assert not resumed.exists()
    assert not list(tmp_path.glob("*.partial"))
    second = Blobs()
    summary = predict_scene(scene, manifest(), second, resumed, _SMALL_BANDS, hooks)
    assert resumed.read_bytes() == undisturbed.read_bytes()
    assert summary.resumed_at_band == len(list((tmp_path / "bands").glob("*.parquet"))) - _bands_done(second)
    assert (summary.detections, summary.tiles) == (whole.detections, whole.tiles)
    assert sum(second.batches) < whole.tiles or batches < 5


def _bands_done(backend: Blobs) -> int:
    # 500 x 900 with tiles of 128 and cores of 64: 7 columns, 14 rows, 7 bands of 14 tiles.
    return -(-sum(backend.batches) // 14)


def test_checkpoints_of_other_options_are_not_used(scene: SceneSource, tmp_path: Path) -> None:
    hooks = Hooks(checkpoints=FolderCheckpoints(tmp_path / "bands"))
    out = tmp_path / "out.parquet"
    assert predict_scene(scene, manifest(), Blobs(), out, _SMALL_BANDS, hooks).resumed_at_band == 0
    nothing = Blobs()
    assert predict_scene(scene, manifest(), nothing, out, _SMALL_BANDS, hooks).resumed_at_band == 7
    assert nothing.batches == []
    other = PredictOptions(band_tile_rows=2, threshold=0.9)
    assert predict_scene(scene, manifest(), Blobs(), out, other, hooks).resumed_at_band == 0
    for damaged in (tmp_path / "bands").iterdir():
        damaged.write_bytes(b"PAR1")
    assert predict_scene(scene, manifest(), Blobs(), out, other, hooks).resumed_at_band == 0


def test_an_error_in_any_stage_ends_the_run_and_leaves_no_thread(scene: SceneSource, tmp_path: Path) -> None:
    class Full(FolderCheckpoints):
        def save(self, band: int, data: bytes) -> None:
            raise VedetteError(Code.STORE, "The store is full.", retryable=True)

    before = threading.active_count()
    out = tmp_path / "out.parquet"
    with pytest.raises(VedetteError, match="store is full"):
        predict_scene(scene, manifest(), Blobs(), out, _SMALL_BANDS, Hooks(checkpoints=Full(tmp_path / "x")))
    with pytest.raises(KeyError):
        predict_scene(scene, manifest(), FailsAfter(3, KeyError()), out, _SMALL_BANDS)

    class Silent(Blobs):
        def infer(self, tiles: np.ndarray) -> dict[str, np.ndarray]:
            return {"other": tiles}

    with pytest.raises(VedetteError, match="has no output boxes"):
        predict_scene(scene, manifest(), Silent(), out, _SMALL_BANDS)
    assert threading.active_count() == before
    assert not list(tmp_path.glob("out*"))


def _cancel_after(seconds: float) -> Callable[[], bool]:
    start = time.monotonic()
    return lambda: time.monotonic() - start > seconds


def test_cancel_stops_within_a_second_even_in_the_middle_of_a_batch(scene: SceneSource, tmp_path: Path) -> None:
    class Slow(Blobs):
        def infer(self, tiles: np.ndarray) -> dict[str, np.ndarray]:
            for _ in range(600):
                time.sleep(0.05)
                if self.interrupted:
                    break
            return super().infer(tiles)

    start = time.monotonic()
    with pytest.raises(VedetteError) as refused:
        predict_scene(
            scene, manifest(), Slow(), tmp_path / "o.parquet", _SMALL_BANDS, Hooks(cancelled=_cancel_after(0.5))
        )
    assert refused.value.reason.code is Code.CANCELLED
    assert time.monotonic() - start < 5
    assert not list(tmp_path.glob("o.parquet*"))


def test_onnx_runtime_can_be_interrupted(tmp_path: Path) -> None:
    package = write_package(tmp_path / "package", input={"tile_size": 2048})
    backend = OnnxRuntimeBackend(package.model_path, package.manifest, threads=1)
    tiles = np.zeros((24, 2048, 2048, 3), np.uint8)
    threading.Timer(0.3, backend.interrupt).start()
    start = time.monotonic()
    with pytest.raises(VedetteError, match="interrupted"):
        backend.infer(tiles)
    interrupted = time.monotonic() - start
    assert len(backend.infer(tiles[:1])["heatmap"]) == 1
    assert interrupted < 60


def test_progress_never_falls_and_ends_at_one(scene: SceneSource, tmp_path: Path) -> None:
    class Steady(Blobs):
        def infer(self, tiles: np.ndarray) -> dict[str, np.ndarray]:
            time.sleep(0.03)
            return super().infer(tiles)

    seen: list[Progress] = []
    summary = predict_scene(
        scene, manifest(), Steady(), tmp_path / "o.parquet", _SMALL_BANDS, Hooks(progress=seen.append)
    )
    fractions = [progress.fraction for progress in seen]
    assert fractions == sorted(fractions)
    assert len({round(fraction, 3) for fraction in fractions}) > 2
    assert seen[-1].fraction == 1
    assert seen[-1].bands_done == seen[-1].bands_total == 7
    assert seen[-1].detections == summary.detections > 0
