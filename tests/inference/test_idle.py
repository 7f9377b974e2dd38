"""For how long a model had nothing to look at: what a wait lasts beyond the batches that are looked at."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import numpy as np
import pytest

from appliance.inference.idle import Idle
from appliance.inference.options import Hooks, PredictOptions, SceneSource
from appliance.inference.predict import predict_scene
from tests.inference import scenes
from tests.inference.models import Blobs, manifest


def test_waiting_with_nothing_in_the_model_counts() -> None:
    idle = Idle()
    assert idle.until(lambda: time.sleep(0.2) or 7) == 7
    assert idle.seconds >= 0.2


def test_waiting_beside_a_batch_that_is_looked_at_does_not_count() -> None:
    idle, begun, end = Idle(), threading.Event(), threading.Event()

    def infer(tiles: np.ndarray) -> dict[str, np.ndarray]:
        begun.set()
        assert end.wait(30)
        return {}

    looking = threading.Thread(target=idle.during, args=(infer, np.zeros(1)))
    looking.start()
    assert begun.wait(30)
    idle.until(lambda: time.sleep(0.2))
    assert idle.seconds == 0
    end.set()
    looking.join()


def test_only_what_lies_behind_the_last_batch_counts() -> None:
    idle = Idle()

    def until_the_middle() -> None:
        time.sleep(0.3)
        idle.during(lambda tiles: {}, np.zeros(1))

    began = time.monotonic()
    idle.until(until_the_middle)
    assert idle.seconds <= time.monotonic() - began - 0.3


@pytest.mark.parametrize("dearer", ["model", "decoding"])
def test_a_run_tells_what_it_waited_for(tmp_path: Path, dearer: str) -> None:
    path = scenes.write(tmp_path / "scene.tif", scenes.drawn(scenes.boxes(1, 600, 600), 600, 600))
    told: list[float] = []

    class Slow(Blobs):
        def infer(self, tiles: np.ndarray) -> dict[str, np.ndarray]:
            time.sleep(0.2 if dearer == "model" else 0)
            return super().infer(tiles)

    hooks = Hooks(starved=told.append)
    options = PredictOptions(batch_size=8)
    summary = predict_scene(
        SceneSource(str(path), "scene"), manifest(), Slow(), tmp_path / "out.parquet", options, hooks
    )
    assert len(told) == 1
    assert 0 < told[0] < summary.seconds
    if dearer == "model":
        assert summary.seconds - told[0] > 0.2 * 10 / 2 * 0.9, "81 tiles are eleven batches, two at a time"
