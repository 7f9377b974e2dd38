"""A model is served at once, whatever becomes of its engine; with real builds, real plans and a real cache."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from appliance.contracts.errors import Code, VedetteError
from appliance.contracts.model_package import Precision
from appliance.inference.backends.base import About, Allowance, Backend, Outputs, blank
from appliance.inference.backends.onnxruntime import OnnxRuntimeBackend
from appliance.inference.backends.tensorrt import TensorRtBackend
from appliance.inference.engines import cuda, opening, request
from appliance.inference.engines.cache import Engine, EngineCache
from appliance.inference.engines.obtain import Watch, Wish, obtain
from appliance.inference.engines.request import Asked
from appliance.inference.engines.served import ServedBackend
from appliance.inference.engines.serving import Seen, Step, decide
from appliance.inference.engines.spec import Library, Span
from tests.inference.models import write_package


@pytest.mark.parametrize(
    ("seen", "step", "words"),
    [
        (Seen(cannot_run="there is no NVIDIA card", stored=True), Step.STAY, "no NVIDIA card"),
        (Seen(), Step.BUILD, "while the engine is built"),
        (Seen(stored=True), Step.LOAD, "while the engine is loaded"),
        (Seen(stored=True, loads_failed=1), Step.REBUILD, "did not load"),
        (Seen(stored=False, loads_failed=1), Step.BUILD, "is built"),
        (Seen(stored=True, loads_failed=2, load_problem="Too old."), Step.STAY, "Too old."),
        (Seen(build_problem="It lacks 'Det'."), Step.STAY, "lacks 'Det'"),
    ],
)
def test_what_is_done_follows_from_what_is_seen(seen: Seen, step: Step, words: str) -> None:
    decision = decide(seen)
    assert decision.step is step
    assert words in decision.why
    assert "ONNX Runtime serves" in decision.why


class _Model:
    """One package, its cache, and ONNX Runtime on it."""

    def __init__(self, folder: Path) -> None:
        self.package = write_package(folder / "package")
        self.wish: Wish = request.wish(self.package, Asked(library=Library.RTX, batch="1:2:4"))
        self.cache = EngineCache(folder / "engines")
        self.opened: list[Engine] = []
        self.builds: list[float] = []

    def runtime(self) -> OnnxRuntimeBackend:
        return OnnxRuntimeBackend(self.package.model_path, self.package.manifest, 1)

    def open(self, engine: Engine) -> Backend:
        self.opened.append(engine)
        return TensorRtBackend(engine, Allowance())

    def served(self, **how: Any) -> ServedBackend:
        how = {"open_engine": self.open, "built": self.builds.append, **how}
        return ServedBackend(self.runtime(), self.cache, self.wish, **how)

    def answers(self, backend: Backend) -> bool:
        """As ONNX Runtime alone does."""
        tiles = np.random.default_rng(0).integers(0, 255, blank(self.package.manifest.input, 2).shape, np.uint8)
        alone = self.runtime()
        expected, found = alone.infer(tiles), backend.infer(tiles)
        alone.close()
        return all(np.array_equal(expected[name], found[name]) for name in expected)


@pytest.fixture
def model(tmp_path: Path) -> _Model:
    return _Model(tmp_path)


def _settled(backend: ServedBackend, seconds: float = 200) -> None:
    deadline = time.monotonic() + seconds
    while not backend.settled:
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.fixture(autouse=True)
def no_card(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where there is one: what is tested is what happens without."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")


def test_a_plan_that_does_not_load_is_built_again_once_while_onnx_runtime_serves(model: _Model) -> None:
    backend = model.served()
    assert model.answers(backend)
    assert backend.about.name == "onnxruntime"
    _settled(backend)
    assert (len(model.opened), len(model.builds)) == (2, 2)
    assert all(seconds > 0 for seconds in model.builds)
    assert "no engine loads" in backend.about.why
    assert model.answers(backend)
    backend.close()


def test_without_a_card_nothing_is_built(model: _Model) -> None:
    reason = cuda.lacking()
    assert "NVIDIA" in reason
    backend = model.served(cannot_run=reason)
    _settled(backend)
    assert reason in backend.about.why
    assert model.answers(backend)
    assert (model.opened, model.builds, model.cache.all()) == ([], [], [])
    backend.close()


def test_a_worker_opens_engines_for_its_batches(model: _Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VEDETTE_ENGINES", str(tmp_path / "engines"))
    allowance = Allowance(batch_size=20)
    asked = opening.asked_for(Library.RTX, Precision.FP32, allowance)
    assert request.wish(model.package, asked).key.profile.batch == Span(least=1, best=20, most=20)
    backend = opening.opened(model.package, model.runtime(), allowance, asked)
    assert opening.missing(Library.RTX) == cuda.lacking()
    assert opening.missing(Library.RTX) in backend.about.why
    assert opening.missing(Library.TENSORRT) == "TensorRT is not installed"
    assert model.answers(backend)
    backend.close()


class _Swapped:
    """ONNX Runtime under another name, so that going over can be seen."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self.about = About("engine", "", "")

    def infer(self, tiles: Any) -> Outputs:
        return self.backend.infer(tiles)

    def interrupt(self) -> None:
        self.backend.interrupt()

    def close(self) -> None:
        self.backend.close()


def test_the_engine_takes_over_while_batches_run_and_none_is_lost(model: _Model) -> None:
    obtain(model.cache, model.wish, Watch())
    before = threading.active_count()
    backend = model.served(open_engine=lambda _: _Swapped(model.runtime()))
    assert all(model.answers(backend) for _ in range(20))
    _settled(backend)
    assert (backend.about.name, backend.about.why) == ("engine", "")
    assert model.answers(backend)
    assert model.builds == []
    backend.close()
    assert threading.active_count() <= before


def test_a_graph_that_cannot_be_built_is_served_all_the_same(model: _Model) -> None:
    wish = Wish(model.wish.key, model.wish.model, "other", "nhwc", 3)
    backend = ServedBackend(model.runtime(), model.cache, wish, model.open)
    _settled(backend)
    assert "no engine could be built" in backend.about.why
    assert model.answers(backend)
    backend.close()


def test_closing_cancels_the_build(model: _Model) -> None:
    backend = model.served()
    backend.close()
    assert backend.settled
    assert list(model.cache.workshop.iterdir()) == []


def _refused(engine: Engine) -> VedetteError:
    with pytest.raises(VedetteError) as refused:
        TensorRtBackend(engine, Allowance())
    return refused.value


def test_the_backend_takes_only_what_was_built_here(model: _Model) -> None:
    engine = obtain(model.cache, model.wish, Watch()).engine
    reason = _refused(engine).reason
    assert (reason.code, "cannot run on this machine" in reason.message) == (Code.UNSUPPORTED, True)
    changed = Engine(engine.record, engine.plan[:-1] + b"?")
    assert _refused(changed).reason.code == Code.DIGEST
    older = engine.record.model_copy(
        update={"key": engine.record.key.model_copy(update={"library_version": "1.0.0.1"})}
    )
    assert "1.0.0.1, and" in _refused(Engine(older, engine.plan)).reason.message
    card = {"name": "Other card", "compute_capability": "8.6", "cores": 1, "driver_major": 1}
    foreign = engine.record.model_copy(
        update={"key": type(engine.record.key).model_validate({**engine.record.key.model_dump(), "device": card})}
    )
    assert (
        "built for Other card, and this machine has no device" in _refused(Engine(foreign, engine.plan)).reason.message
    )
