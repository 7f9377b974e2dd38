"""What drives a card, driven: copies, shapes, graphs, memory and failures, on a card that stands in (card.py).

The plans are real ones of TensorRT for RTX, and the cache's; what computes is ONNX Runtime. How a card itself behaves is not shown here.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from appliance.contracts.errors import Code, VedetteError
from appliance.formats.model_package import ModelPackage
from appliance.inference.backends.base import Allowance, Outputs, blank
from appliance.inference.backends.onnxruntime import OnnxRuntimeBackend
from appliance.inference.backends.tensorrt import TensorRtBackend
from appliance.inference.engines import libraries, opening, request
from appliance.inference.engines.cache import Engine
from appliance.inference.engines.obtain import Watch, obtain
from appliance.inference.engines.request import Asked
from appliance.inference.engines.spec import Library
from appliance.inference.options import PredictOptions, SceneSource
from appliance.inference.predict import predict_scene
from tests.inference import scenes
from tests.inference.engines.card import ERROR, Card, Compiled
from tests.inference.models import write_package

MIB = 1 << 20


@dataclass
class Bench:
    """A package, its engine, and the card; `open` gives the backend that drives it."""

    package: ModelPackage
    engine: Engine
    compiled: Compiled
    card: Card
    monkeypatch: pytest.MonkeyPatch

    def put_in(self) -> None:
        bindings = self.compiled.bindings(self.card)
        self.monkeypatch.setattr("cuda.bindings.runtime", self.card)
        self.monkeypatch.setattr(libraries, "load", lambda _library: bindings)

    def open(self, allowance: Allowance = Allowance()) -> TensorRtBackend:
        self.put_in()
        return TensorRtBackend(self.engine, allowance)

    def tiles(self, count: int, seed: int = 0) -> NDArray[Any]:
        shape = blank(self.package.manifest.input, count).shape
        return np.random.default_rng(seed).integers(0, 255, shape, np.uint8)

    def tile_bytes(self) -> int:
        """What a tile and what is said of it take."""
        tile = self.tiles(1)
        return tile.nbytes + sum(array.nbytes for array in self.expected(tile).values())

    def expected(self, tiles: NDArray[Any]) -> Outputs:
        alone = OnnxRuntimeBackend(self.package.model_path, self.package.manifest, 1)
        try:
            return alone.infer(tiles)
        finally:
            alone.close()


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], tuple[ModelPackage, Engine]]:
    """The package, and its engine for batches of these sizes."""
    folder = tmp_path_factory.mktemp("lane")
    package = write_package(folder / "package")
    known: dict[str, Engine] = {}

    def of(batch: str) -> tuple[ModelPackage, Engine]:
        if batch not in known:
            with pytest.MonkeyPatch.context() as patched:
                patched.setenv("VEDETTE_ENGINES", str(folder / "engines"))
                patched.setenv("CUDA_VISIBLE_DEVICES", "")
                wish = request.wish(package, Asked(library=Library.RTX, batch=batch))
                known[batch] = obtain(request.cache(), wish, Watch()).engine
        return package, known[batch]

    return of


@pytest.fixture
def bench(built: Callable[[str], tuple[ModelPackage, Engine]], monkeypatch: pytest.MonkeyPatch) -> Bench:
    package, engine = built("1:4:4")
    return Bench(package, engine, Compiled(package.model_path, (1, 4, 4)), Card(), monkeypatch)


@pytest.fixture
def fixed(built: Callable[[str], tuple[ModelPackage, Engine]], monkeypatch: pytest.MonkeyPatch) -> Bench:
    package, engine = built("4")
    return Bench(package, engine, Compiled(package.model_path, (4, 4, 4)), Card(), monkeypatch)


def same(found: Outputs, expected: Outputs) -> None:
    assert set(found) == set(expected)
    for name, array in expected.items():
        np.testing.assert_allclose(found[name], array, atol=1e-6, err_msg=name)


@pytest.mark.parametrize("which", ["bench", "fixed"])
def test_any_batch_by_two_threads_is_answered_as_by_onnx_runtime(which: str, request: pytest.FixtureRequest) -> None:
    """In any order of sizes, more than the engine takes at once too; and everything is given back."""
    mine: Bench = request.getfixturevalue(which)
    backend = mine.open()
    sizes = [1, 4, 3, 9, 4, 2, 4, 1, 5, 4]
    batches = [mine.tiles(size, seed) for seed, size in enumerate(sizes)]
    expected = [mine.expected(tiles) for tiles in batches]
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(backend.infer, batches * 3))
    for each, wanted in zip(found, expected * 3, strict=True):
        same(each, wanted)
    assert backend.about.name == "tensorrt-rtx"
    backend.close()
    backend.close()
    assert mine.card.held == []
    assert mine.card.device_bytes == 0


def test_outputs_outlive_the_next_batch_and_the_tiles_their_call(bench: Bench) -> None:
    backend = bench.open()
    tiles = bench.tiles(4)
    expected = bench.expected(tiles)
    found = backend.infer(tiles)
    tiles[...] = 0
    backend.infer(bench.tiles(4, 7))
    backend.close()
    same(found, expected)


def test_where_all_shapes_are_fixed_a_graph_does_it_and_else_none(bench: Bench, fixed: Bench) -> None:
    backend = fixed.open(Allowance(device_memory_bytes=MIB + 4 * fixed.tile_bytes()))
    for seed, size in enumerate([4, 4, 2, 4]):
        same(backend.infer(fixed.tiles(size, seed)), fixed.expected(fixed.tiles(size, seed)))
    assert fixed.card.launches == 3, "the first batch is an ordinary one"
    backend.close()
    assert fixed.card.held == []
    backend = bench.open()
    for _ in range(3):
        backend.infer(bench.tiles(4))
    assert bench.card.launches == 0
    backend.close()


@pytest.mark.parametrize("call", ["cudaStreamBeginCapture", "cudaStreamEndCapture"])
def test_what_cannot_be_captured_goes_on_as_before(fixed: Bench, call: str) -> None:
    fixed.card.broken[call] = ERROR.cudaErrorStreamCaptureUnsupported
    backend = fixed.open()
    for seed in range(3):
        same(backend.infer(fixed.tiles(4, seed)), fixed.expected(fixed.tiles(4, seed)))
    assert fixed.card.launches == 0
    backend.close()
    assert fixed.card.held == []


def test_two_lanes_where_there_is_room_for_two_and_one_where_there_is_for_one(bench: Bench) -> None:
    of_four = 4 * bench.tile_bytes()
    for allowed, lanes, most in (
        (2 * (MIB + of_four), 2, 4),
        (2 * (MIB + of_four) - 1, 1, 4),
        (MIB + of_four - 1, 1, 2),
        (MIB + of_four // 4, 1, 1),
        (0, 2, 4),
    ):
        backend = bench.open(Allowance(device_memory_bytes=allowed))
        assert (len(backend._lanes), backend._halving.most) == (lanes, most)
        assert not allowed or bench.card.device_bytes <= allowed, "no more than it may"
        taken = bench.card.device_bytes
        same(backend.infer(bench.tiles(4)), bench.expected(bench.tiles(4)))
        assert bench.card.device_bytes == taken, "nothing is asked for while a scene waits"
        backend.close()
    assert bench.card.held == []


def test_a_card_without_room_is_a_refusal_that_says_how_much_is_needed(bench: Bench) -> None:
    with pytest.raises(
        VedetteError, match="needs 1 MiB of the card's memory beside its tiles and may use 0 MiB"
    ) as refused:
        bench.open(Allowance(device_memory_bytes=1000))
    assert refused.value.reason.code is Code.LIMIT
    bench.card.room = 1000  # others took it since it was asked what is free
    with pytest.raises(VedetteError, match="needs 1 MiB") as refused:
        bench.open(Allowance(device_memory_bytes=4 * MIB))
    assert refused.value.reason.code is Code.LIMIT
    assert bench.card.held == []


def test_where_others_hold_the_card_batches_are_smaller(bench: Bench) -> None:
    bench.card.room = MIB + 3 * bench.tile_bytes()
    backend = bench.open(Allowance(device_memory_bytes=1 << 30))
    for seed in range(2):
        same(backend.infer(bench.tiles(4, seed)), bench.expected(bench.tiles(4, seed)))
    assert (len(backend._lanes), backend._halving.most) == (1, 2)
    backend.close()
    bench.card.room = MIB + bench.tile_bytes() - 1
    with pytest.raises(VedetteError, match="needs 1 MiB") as refused:
        bench.open(Allowance(device_memory_bytes=1 << 30))
    assert refused.value.reason.code is Code.LIMIT
    assert bench.card.held == []
    assert bench.card.device_bytes == 0


def test_a_card_that_is_lost_is_for_now_and_leaves_nothing(bench: Bench) -> None:
    backend = bench.open()
    bench.card.broken["cudaEventSynchronize"] = ERROR.cudaErrorIllegalAddress
    with pytest.raises(VedetteError, match="The card failed: cudaErrorIllegalAddress") as refused:
        backend.infer(bench.tiles(2))
    assert (refused.value.reason.code, refused.value.reason.retryable) == (Code.UNAVAILABLE, True)
    backend.close()
    assert bench.card.held == []


def test_a_card_that_fails_while_memory_is_asked_for_leaves_nothing(bench: Bench) -> None:
    bench.card.broken["cudaMalloc"] = ERROR.cudaErrorDeviceUninitialized
    with pytest.raises(VedetteError, match="The card failed"):
        bench.open()
    assert bench.card.held == []


@pytest.mark.parametrize(
    ("what", "code", "said"),
    [
        ({"refuses": 3}, Code.UNSUPPORTED, "takes no batch of shape 3x128x128x3"),
        ({"open_ended": True}, Code.UNSUPPORTED, "follows from what is seen"),
        ({"fails": True}, Code.MODEL_PACKAGE, "The model failed on its tiles: .*Myelin"),
    ],
)
def test_an_engine_that_cannot_is_refused_in_a_sentence(
    bench: Bench, what: dict[str, Any], code: Code, said: str
) -> None:
    bench.compiled = replace(bench.compiled, **what)
    with pytest.raises(VedetteError, match=said) as refused, closing(bench.open()) as backend:
        backend.infer(bench.tiles(3))
    assert refused.value.reason.code is code
    assert "\n" not in str(refused.value)
    assert bench.card.held == []


def test_interrupted_between_two_pieces_and_ready_for_the_next(bench: Bench) -> None:
    backend = bench.open()
    lane = backend._lanes[0]
    backend._free.get()  # the other lane alone works, so that this one is known
    run = backend._lanes[1].run

    def interrupting(tiles: NDArray[Any]) -> Any:
        backend.interrupt()
        return run(tiles)

    backend._lanes[1].run = interrupting  # type: ignore[method-assign]
    with pytest.raises(VedetteError) as ended:
        backend.infer(bench.tiles(9))
    assert ended.value.reason.code is Code.CANCELLED
    backend._lanes[1].run = run  # type: ignore[method-assign]
    backend._free.put(lane)
    same(backend.infer(bench.tiles(9)), bench.expected(bench.tiles(9)))
    backend.close()


def test_a_run_goes_over_to_the_engine_while_it_lasts(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a worker has it: ONNX Runtime at first, the engine as soon as it is there, the same detections all along."""
    monkeypatch.setenv("VEDETTE_ENGINES", str(tmp_path / "engines"))
    monkeypatch.setattr(opening, "missing", lambda _library: "")
    bench.put_in()
    allowance = Allowance(threads=1, batch_size=4)
    serving = OnnxRuntimeBackend(bench.package.model_path, bench.package.manifest, 1)
    asked = opening.asked_for(Library.RTX, bench.package.precision, allowance)
    backend = opening.opened(bench.package, serving, allowance, asked)
    assert backend.about.name == "onnxruntime"
    there = scenes.boxes(5, 500, 700, 250)
    scene = SceneSource(str(scenes.write(tmp_path / "scene.tif", scenes.drawn(there, 500, 700))), "scene.tif")
    found = []
    for _ in range(200):
        out = tmp_path / f"{len(found)}.parquet"
        predict_scene(scene, bench.package.manifest, backend, out, PredictOptions(batch_size=4))
        found.append(np.array(scenes.rows(out)))
        if backend.about.name == "tensorrt-rtx" and len(found) > 1:
            break
    assert backend.about.name == "tensorrt-rtx", backend.about.why
    np.testing.assert_allclose(found[-1], found[0], atol=1e-4)
    backend.close()
    assert bench.card.held == []
