"""Every backend that can run on this machine finds the same, takes what the Protocol says, and gives everything back."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import numpy as np
import pytest

from appliance.contracts.errors import Code, VedetteError
from appliance.formats.model_package import ModelPackage
from appliance.inference.backends import agreement, catalogue, probe
from appliance.inference.backends.agreement import Seen
from appliance.inference.backends.base import Backend, Outputs
from appliance.inference.backends.catalogue import REFERENCE
from appliance.inference.options import PredictOptions, SceneSource
from appliance.inference.predict import predict_scene
from appliance.vision.decode import decoder
from tests.inference import scenes
from tests.inference.backends.conftest import HERE, TWO_THREADS, make_package

OTHERS = [name for name in HERE if name != REFERENCE]
_GENEROUS_SECONDS = 60


def _threads() -> int:
    """Of this process, those of libraries too."""
    return len(list(Path("/proc/self/task").iterdir()))


def outputs(name: str, package: ModelPackage, tiles: np.ndarray) -> Outputs:
    backend = catalogue.named(name).open(package, TWO_THREADS)
    try:
        return backend.infer(tiles)
    finally:
        backend.close()


def test_three_backends_are_here_to_be_compared() -> None:
    assert {"onnxruntime", "openvino", "torch"} <= set(HERE)


@pytest.mark.parametrize("name", OTHERS)
def test_boxes_and_masks_are_the_same_for_every_head(name: str, package: ModelPackage) -> None:
    tiles = probe.tiles(package.manifest.input, 3)
    reference = outputs(REFERENCE, package, tiles)
    assert len(decoder(package.manifest.decode)(reference, 0.05)) > 10, "something is there to be compared"
    head = package.manifest.decode
    assert agreement.difference(Seen(head, reference), Seen(head, outputs(name, package, tiles))) == ""


@pytest.mark.parametrize("name", OTHERS)
@pytest.mark.parametrize("kind", ["centre", "instance-masks"])
def test_the_same_scene_gives_the_same_detections(name: str, kind: str, tmp_path: Path) -> None:
    package = make_package(kind, tmp_path / "package")
    there = [(x, y, 11, 11) for x in range(15, 580, 37) for y in range(15, 580, 41)]
    scene = scenes.write(tmp_path / "scene.tif", scenes.drawn(there, 600, 600))
    found = []
    for each in (REFERENCE, name):
        backend = catalogue.named(each).open(package, TWO_THREADS)
        out = tmp_path / f"{each}.parquet"
        summary = predict_scene(
            SceneSource(str(scene), "scene"), package.manifest, backend, out, PredictOptions(threshold=0.2)
        )
        assert summary.backend == str(backend.about)
        backend.close()
        found.append(np.array(scenes.rows(out)))
    assert len(found[0]) > 100
    assert found[1] == pytest.approx(found[0], abs=1e-3)


def test_a_batch_of_any_size_is_what_its_tiles_are_alone(backend: Backend) -> None:
    tiles = np.random.default_rng(2).integers(0, 255, (11, 96, 96, 3), np.uint8)
    alone = [backend.infer(tiles[place : place + 1])["heatmap"] for place in range(len(tiles))]
    for count in (1, 2, 3, 7, 11):
        together = backend.infer(tiles[:count])["heatmap"]
        assert together == pytest.approx(np.concatenate(alone[:count]), abs=1e-5)


def test_tiles_of_another_size_are_taken_where_the_graph_leaves_it_open(backend: Backend) -> None:
    for side in (64, 200, 128):
        assert backend.infer(np.full((2, side, side, 3), 9, np.uint8))["heatmap"].shape == (2, 1, side, side)


def test_outputs_outlive_the_next_batch_and_the_backend(tmp_path: Path) -> None:
    for name in HERE:
        backend = catalogue.named(name).open(make_package("centre", tmp_path / name), TWO_THREADS)
        tiles = np.random.default_rng(3).integers(0, 255, (4, 128, 128, 3), np.uint8)
        first = backend.infer(tiles)
        kept = {each: array.copy() for each, array in first.items()}
        tiles[:] = 0
        backend.infer(tiles)
        backend.close()
        backend.close()
        assert all((first[each] == kept[each]).all() for each in kept)


def test_two_threads_get_each_their_own_answers(backend: Backend) -> None:
    tiles = np.random.default_rng(4).integers(0, 255, (2, 6, 128, 128, 3), np.uint8)
    expected = [backend.infer(each)["heatmap"] for each in tiles]
    wrong: list[int] = []

    def ask(which: int) -> None:
        answers = [backend.infer(tiles[which])["heatmap"] for _ in range(15)]
        wrong.extend(which for answer in answers if not np.allclose(answer, expected[which], atol=1e-6))

    threads = [threading.Thread(target=ask, args=(which,)) for which in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(_GENEROUS_SECONDS)
    assert not any(thread.is_alive() for thread in threads)
    assert wrong == []


def test_an_interrupted_batch_ends_and_the_next_works(backend: Backend) -> None:
    tiles = np.zeros((60, 1024, 1024, 3), np.uint8)
    ended: list[BaseException | None] = []

    def ask() -> None:
        try:
            for _ in range(50):
                backend.infer(tiles)
            ended.append(None)
        except BaseException as error:
            ended.append(error)

    thread = threading.Thread(target=ask)
    thread.start()
    time.sleep(0.3)
    backend.interrupt()
    thread.join(_GENEROUS_SECONDS)
    assert not thread.is_alive()
    assert isinstance(ended[0], VedetteError)
    assert ended[0].reason.code is Code.CANCELLED
    assert len(backend.infer(tiles[:1])["heatmap"]) == 1


@pytest.mark.parametrize("name", HERE)
def test_threads_are_gone_after_close(name: str, cells: ModelPackage) -> None:
    """What a library keeps for ever it keeps once: opening again and again adds nothing."""

    def after_one() -> int:
        backend = catalogue.named(name).open(cells, TWO_THREADS)
        backend.infer(probe.tiles(cells.manifest.input, 4))
        backend.close()
        return _threads()

    first = after_one()
    for _ in range(4):
        after_one()
    until = time.monotonic() + _GENEROUS_SECONDS
    while _threads() > first and time.monotonic() < until:
        time.sleep(0.05)
    assert _threads() <= first
    assert not [thread.name for thread in threading.enumerate() if thread.name.startswith("stream")]
