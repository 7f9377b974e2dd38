"""Runs that share one loaded backend: batches are mixed, results are those of running alone, and no run feels another's end."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from appliance.contracts.errors import Code, VedetteError
from appliance.formats import model_package
from appliance.formats.model_package import ModelPackage
from appliance.inference.backends.base import About, Backend, Outputs
from appliance.inference.backends.choice import Opened
from appliance.inference.backends.onnxruntime import OnnxRuntimeBackend
from appliance.inference.batching import BatchLimits, Seat, SharedBackend
from appliance.inference.options import Hooks, PredictOptions, SceneSource
from appliance.inference.predict import predict_scene
from appliance.inference.worker_backends import WarmBackends
from tests import blobs

_CROWNS = Path(__file__).parents[2] / "demo" / "tree-crowns"
_PATIENT = BatchLimits(tiles=16, delay_milliseconds=2000)


class Watched:
    """A real backend; says what went through it, and lets nothing through while `open` is not set."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self.open = threading.Event()
        self.open.set()
        self.taken: list[NDArray[Any]] = []
        self.interrupted = self.closed = 0

    @property
    def about(self) -> About:
        return self._backend.about

    def infer(self, tiles: NDArray[Any]) -> Outputs:
        self.taken.append(tiles)
        assert self.open.wait(60)
        return self._backend.infer(tiles)

    def interrupt(self) -> None:
        self.interrupted += 1
        self.open.set()
        self._backend.interrupt()

    def close(self) -> None:
        self.closed += 1
        self._backend.close()

    @property
    def sizes(self) -> list[int]:
        return [len(tiles) for tiles in self.taken]


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> ModelPackage:
    return blobs.write_package(tmp_path_factory.mktemp("package"), burn=1)


def loaded(package: ModelPackage) -> Watched:
    return Watched(OnnxRuntimeBackend(package.model_path, package.manifest, threads=2))


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.005)


def a_scene(folder: Path, name: str, seed: int) -> SceneSource:
    path = blobs.write_scene(folder / name, 700, 1500, blobs.centres(700, 1500, 120, seed))
    return SceneSource(str(path), name)


def ran(scene: SceneSource, package: ModelPackage, backend: Backend, out: Path, hooks: Hooks = Hooks()) -> bytes:
    predict_scene(scene, package.manifest, backend, out, PredictOptions(batch_size=3, decode_threads=1), hooks)
    return out.read_bytes()


def test_two_runs_are_mixed_and_find_what_they_find_alone(package: ModelPackage, tmp_path: Path) -> None:
    sources = [a_scene(tmp_path, f"{seed}.tif", seed) for seed in (1, 2)]
    alone = loaded(package)
    expected = [ran(scene, package, alone, tmp_path / "alone.parquet") for scene in sources]
    alone.close()
    assert expected[0] != expected[1]
    watched = loaded(package)
    shared = SharedBackend(watched, BatchLimits(tiles=8, delay_milliseconds=200))
    seats = [shared.seat(), shared.seat()]
    with ThreadPoolExecutor(2) as pool:
        runs = [
            pool.submit(ran, scene, package, seat, tmp_path / f"{place}.parquet")
            for place, (scene, seat) in enumerate(zip(sources, seats, strict=True))
        ]
        assert [run.result(120) for run in runs] == expected
    shared.close()
    assert max(watched.sizes) > 3, "no batch held tiles of both"
    assert max(watched.sizes) <= 8
    assert shared.sound


def test_the_real_detector_gives_the_same_bytes_in_any_company() -> None:
    crowns = model_package.read(_CROWNS)
    watched = Watched(OnnxRuntimeBackend(crowns.model_path, crowns.manifest, threads=2))
    shared = SharedBackend(watched, BatchLimits(tiles=4, delay_milliseconds=2000))
    random = np.random.default_rng(3)
    tiles = [random.integers(0, 255, (count, 512, 512, 3), np.uint8) for count in (1, 2)]
    alone = [watched.infer(each) for each in tiles]
    seats = [shared.seat(), shared.seat()]
    with ThreadPoolExecutor(2) as pool:
        together = list(pool.map(Seat.infer, seats, tiles))
    shared.close()
    assert watched.sizes[2:] == [3]
    for one, other in zip(alone, together, strict=True):
        for name in one:
            np.testing.assert_array_equal(one[name], other[name])


def test_a_cancelled_run_leaves_the_other_as_it_is(package: ModelPackage, tmp_path: Path) -> None:
    left, stays = a_scene(tmp_path, "left.tif", 1), a_scene(tmp_path, "stays.tif", 2)
    expected = ran(stays, package, loaded(package), tmp_path / "alone.parquet")
    watched = loaded(package)
    shared = SharedBackend(watched, BatchLimits(tiles=8, delay_milliseconds=200))
    seats = [shared.seat(), shared.seat()]
    cancelled = Hooks(cancelled=lambda: len(watched.taken) > 4)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(ran, left, package, seats[0], tmp_path / "left.parquet", cancelled)
        second = pool.submit(ran, stays, package, seats[1], tmp_path / "stays.parquet")
        with pytest.raises(VedetteError) as ended:
            first.result(120)
        seats[0].close()
        assert second.result(120) == expected
    shared.close()
    assert ended.value.reason.code is Code.CANCELLED


class Crossing:
    """A backend behind its closed gate, both its ways taken by a call of an earlier seat; calls pile up meanwhile."""

    def __init__(self, package: ModelPackage, limits: BatchLimits = _PATIENT) -> None:
        self.watched = loaded(package)
        self.shared = SharedBackend(self.watched, limits)
        self.pool = ThreadPoolExecutor(16)
        self.watched.open.clear()
        self.first = self.shared.seat()
        self.begun = [self.first_call(place) for place in range(2)]

    def first_call(self, place: int) -> Future[Outputs]:
        call = self.pool.submit(self.first.infer, tiles_of(1))
        until(lambda: len(self.watched.taken) == place + 1)
        return call

    def ask(self, seat: Seat, tiles: NDArray[Any]) -> Future[Outputs]:
        before = len(seat.waiting)
        call = self.pool.submit(seat.infer, tiles)
        until(lambda: len(seat.waiting) > before)
        return call

    def end(self) -> None:
        self.watched.open.set()
        self.pool.shutdown()
        self.shared.close()


def tiles_of(count: int, seed: int = 0, side: int = blobs.TILE) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 255, (count, side, side, 3), np.uint8)


def test_an_error_of_one_run_touches_no_other(package: ModelPackage) -> None:
    crossing = Crossing(package)
    bad, good = crossing.shared.seat(), crossing.shared.seat()
    broken = crossing.ask(bad, np.zeros((2, blobs.TILE, blobs.TILE, 4), np.uint8))
    whole = crossing.ask(good, tiles_of(3, seed=5))
    crossing.watched.open.set()
    answer = whole.result(30)
    with pytest.raises(VedetteError) as refused:
        broken.result(30)
    assert refused.value.reason.code is Code.MODEL_PACKAGE
    alone = crossing.watched.infer(tiles_of(3, seed=5))
    np.testing.assert_array_equal(answer["scores"], alone["scores"])
    assert not crossing.shared.sound, "what has failed serves no further run"
    crossing.end()


def test_many_calls_of_one_run_do_not_hold_up_another(package: ModelPackage) -> None:
    crossing = Crossing(package, BatchLimits(tiles=4, delay_milliseconds=0))
    many, one = crossing.shared.seat(), crossing.shared.seat()
    waiting = [crossing.ask(many, tiles_of(2, seed)) for seed in range(6)]
    waiting.append(crossing.ask(one, tiles_of(2, seed=9)))
    crossing.watched.open.set()
    answers = [call.result(30) for call in waiting]
    mixed = crossing.watched.taken[2:]
    assert sorted(len(tiles) for tiles in mixed) == [2, 4, 4, 4]
    first = [tiles for tiles in mixed[:3] if len(tiles) == 4]  # two threads at it: the first may be noted third
    assert any((tiles[2:] == tiles_of(2, seed=9)).all() for tiles in first), "it came in the first round"
    for seed, answer in zip([*range(6), 9], answers, strict=True):
        np.testing.assert_array_equal(answer["scores"], crossing.watched.infer(tiles_of(2, seed))["scores"])
    crossing.end()


def test_an_interrupt_ends_the_callers_own_calls_only(package: ModelPackage) -> None:
    crossing = Crossing(package)
    leaving, staying = crossing.shared.seat(), crossing.shared.seat()
    ended, kept = crossing.ask(leaving, tiles_of(1)), crossing.ask(staying, tiles_of(2))
    leaving.interrupt()
    with pytest.raises(VedetteError, match="interrupted"):
        ended.result(30)
    assert crossing.watched.interrupted == 0, "the first seat's tiles are in the backend"
    crossing.watched.open.set()
    assert len(kept.result(30)["scores"]) == 2
    assert [len(call.result(30)["scores"]) for call in crossing.begun] == [1, 1]
    assert crossing.shared.sound
    crossing.end()


def test_an_interrupt_reaches_the_backend_when_nobody_else_is_in_it(package: ModelPackage) -> None:
    crossing = Crossing(package)
    crossing.first.interrupt()
    for call in crossing.begun:
        with pytest.raises(VedetteError, match="interrupted"):
            call.result(30)
    assert crossing.watched.interrupted == 1
    assert len(crossing.first.infer(tiles_of(3))["scores"]) == 3, "the next call works as before"
    assert crossing.shared.sound
    crossing.end()


def test_a_run_alone_neither_waits_nor_copies(package: ModelPackage) -> None:
    watched = loaded(package)
    shared = SharedBackend(watched, BatchLimits(tiles=16, delay_milliseconds=3_600_000))
    tiles = tiles_of(2)
    assert len(shared.seat().infer(tiles)["scores"]) == 2
    assert watched.taken[0] is tiles
    shared.close()


def test_calls_of_a_run_alone_are_not_put_together(package: ModelPackage) -> None:
    crossing = Crossing(package)
    more = [crossing.ask(crossing.first, tiles_of(2, seed)) for seed in range(3)]
    crossing.watched.open.set()
    assert [len(call.result(30)["scores"]) for call in more] == [2, 2, 2]
    assert crossing.watched.sizes == [1, 1, 2, 2, 2]
    crossing.end()


def test_closing_closes_the_backend(package: ModelPackage) -> None:
    watched = loaded(package)
    shared = SharedBackend(watched)
    shared.close()
    assert watched.closed == 1


def test_a_call_waits_no_longer_than_the_delay_for_a_seat_that_does_not_ask(package: ModelPackage) -> None:
    waited: list[float] = []
    shared = SharedBackend(loaded(package), BatchLimits(16, delay_milliseconds=300), waited.append)
    _silent, asking = shared.seat(), shared.seat()
    asking.infer(tiles_of(1))
    assert waited[0] >= 0.3
    shared.close()


def test_a_seat_that_has_long_been_silent_is_not_waited_for(package: ModelPackage) -> None:
    shared = SharedBackend(loaded(package), BatchLimits(16, delay_milliseconds=3_600_000))
    silent, asking = shared.seat(), shared.seat()
    silent.seen -= 1e9
    assert len(asking.infer(tiles_of(1))["scores"]) == 1
    shared.close()


def test_closing_ends_what_waits(package: ModelPackage) -> None:
    crossing = Crossing(package)
    late = crossing.ask(crossing.shared.seat(), tiles_of(1))
    crossing.shared.close()
    with pytest.raises(VedetteError, match="closed"):
        late.result(30)
    with pytest.raises(VedetteError, match="closed"):
        crossing.first.infer(tiles_of(1))
    assert crossing.watched.closed == 1
    crossing.pool.shutdown()


def test_runs_of_one_package_load_it_once(package: ModelPackage, tmp_path: Path) -> None:
    made: list[Watched] = []

    def load(of: ModelPackage) -> Opened:
        time.sleep(0.05)
        made.append(loaded(of))
        return Opened(of, made[-1])

    warm = WarmBackends(load, keep=1)
    inside = threading.Barrier(3)

    def run(_: int) -> None:
        with warm.lease(package) as opened:
            inside.wait(30)
            opened.backend.infer(tiles_of(1))

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(run, range(3)))
    assert len(made) == 1
    with warm.lease(package) as opened, pytest.raises(VedetteError):
        opened.backend.infer(np.zeros((1, 3, 3, 1), np.uint8))
    assert [each.closed for each in made] == [1], "what has failed is closed once nobody uses it"
    with pytest.raises(ZeroDivisionError), warm.lease(package):
        raise ZeroDivisionError
    other = blobs.write_package(tmp_path / "other", name="other")
    with warm.lease(package) as first, warm.lease(other) as second:
        assert warm.detectors() == ["blobs", "other"]
        first.backend.infer(tiles_of(1))
        second.backend.infer(tiles_of(1))
    assert len(made) == 3, "a run that failed elsewhere leaves its backend loaded"
    assert [each.closed for each in made] == [1, 0, 1], "of the idle ones the one used last stays"
    warm.close()
    assert [each.closed for each in made] == [1, 1, 1]
