"""Real engines, built by TensorRT for RTX without a card; and what becomes of builds that do not end well."""

from __future__ import annotations

import os
import resource
import signal
import threading
from pathlib import Path

import onnx
import psutil
import pytest
from onnx import TensorProto, helper
from onnxruntime.transformers.float16 import convert_float_to_float16

from appliance.contracts.errors import Code, VedetteError
from appliance.contracts.model_package import Precision
from appliance.formats import digest, model_package
from appliance.inference.engines import graph
from appliance.inference.engines.cache import PLAN, Engine, EngineCache
from appliance.inference.engines.obtain import Obtained, Watch, Wish, obtain
from tests.inference.engines import graphs

_DEMO = Path(__file__).parents[3] / "demo" / "tree-crowns"
_HEADER = b"vtrt"
"""How plans of TensorRT for RTX begin."""


@pytest.fixture
def cache(tmp_path: Path) -> EngineCache:
    return EngineCache(tmp_path / "engines")


def _whole(cache: EngineCache, wish: Wish, obtained: Obtained) -> bool:
    plan = obtained.engine.plan
    return plan.startswith(_HEADER) and cache.get(wish.key) == obtained.engine and not _left(cache)


def _left(cache: EngineCache) -> list[Path]:
    """Unfinished things, and processes of ours that still build."""
    return [*cache.workshop.iterdir(), *cache.folder.glob("*.lock"), *map(Path, map(str, _builders()))]


def _builders() -> list[int]:
    ours = psutil.Process().children(recursive=True)
    return [each.pid for each in ours if "appliance.inference.engines.child" in each.cmdline()]


def test_a_small_model_is_built_once_and_progress_is_told(cache: EngineCache, tmp_path: Path) -> None:
    wish = graphs.wish(graphs.convolution(tmp_path / "m.onnx"))
    told: list[float] = []
    built = obtain(cache, wish, Watch(lambda _, fraction: told.append(fraction)))
    assert built.build_seconds
    assert _whole(cache, wish, built)
    assert told == sorted(told)
    assert told[0] < 0.5 < told[-1] <= 1
    again = obtain(cache, wish, Watch())
    assert again.build_seconds is None
    assert again.engine == built.engine


@pytest.mark.parametrize("precision", [Precision.FP32, Precision.FP16])
def test_the_demo_package_is_built(cache: EngineCache, tmp_path: Path, precision: Precision) -> None:
    model = model_package.read(_DEMO).model_path
    if precision == Precision.FP16:
        prepared = onnx.load_from_string(graph.prepare(model, "tiles"))
        onnx.save(convert_float_to_float16(prepared, keep_io_types=True), model := tmp_path / "half.onnx")
    wish = graphs.wish(model, (1, 8, 16), 512, precision)
    built = obtain(cache, wish, Watch())
    assert _whole(cache, wish, built)
    # Weights make up most of a plan: in half precision it is clearly smaller than the graph in single precision.
    assert (built.engine.record.plan_bytes < (_DEMO / "model.onnx").stat().st_size) == (precision == Precision.FP16)


def test_explicit_quantisation_is_built(cache: EngineCache, tmp_path: Path) -> None:
    wish = graphs.wish(graphs.quantised(tmp_path / "m.onnx"), precision=Precision.INT8)
    assert _whole(cache, wish, obtain(cache, wish, Watch()))


def test_tiles_of_sixteen_bits_are_built(cache: EngineCache, tmp_path: Path) -> None:
    wish = graphs.wish(graphs.convolution(tmp_path / "m.onnx", TensorProto.UINT16))
    assert _whole(cache, wish, obtain(cache, wish, Watch()))


def test_a_damaged_engine_is_built_anew_and_that_is_told(cache: EngineCache, tmp_path: Path) -> None:
    wish = graphs.wish(graphs.convolution(tmp_path / "m.onnx"))
    obtain(cache, wish, Watch())
    plan = cache.folder / f"{wish.key.name}{PLAN}"
    plan.write_bytes(plan.read_bytes()[:-1] + b"?")
    built = obtain(cache, wish, Watch())
    assert built.build_seconds
    assert "refused" in built.note
    assert _whole(cache, wish, built)


def _refusal(cache: EngineCache, wish: Wish) -> VedetteError:
    with pytest.raises(VedetteError) as refused:
        obtain(cache, wish, Watch())
    assert cache.get(wish.key) is None
    assert not _left(cache)
    return refused.value


def test_missing_operators_are_named_with_their_nodes(cache: EngineCache, tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Cast", ["tiles"], ["x"], to=TensorProto.FLOAT),
        helper.make_node("Sharpen", ["x"], ["y"], name="first", domain="acme"),
        helper.make_node("Det", ["y"], ["out"], name="second"),
    ]
    path = graphs.save(tmp_path / "m.onnx", nodes, {}, {"out": TensorProto.FLOAT})
    reason = _refusal(cache, graphs.wish(path)).reason
    assert reason.code == Code.UNSUPPORTED
    assert "'first' (Sharpen), 'second' (Det)" in reason.message
    assert "ONNX Runtime serves" in reason.remedy


def test_quantisation_that_is_not_around_zero_is_refused_by_the_node(cache: EngineCache, tmp_path: Path) -> None:
    reason = _refusal(
        cache, graphs.wish(graphs.quantised(tmp_path / "m.onnx", zero=5), precision=Precision.INT8)
    ).reason
    assert (reason.code, "'q' (QuantizeLinear)" in reason.message) == (Code.UNSUPPORTED, True)


def test_sizes_that_the_graph_does_not_take_are_refused(cache: EngineCache) -> None:
    wish = graphs.wish(_DEMO / "model.onnx", side=256)
    reason = _refusal(cache, wish).reason
    assert (reason.code, "takes 512" in reason.message) == (Code.INVALID, True)


def test_what_is_no_graph_is_refused(cache: EngineCache, tmp_path: Path) -> None:
    (path := tmp_path / "m.onnx").write_bytes(b"\x00 no graph")
    assert _refusal(cache, graphs.wish(path)).reason.code == Code.MODEL_PACKAGE


@pytest.fixture
def long(tmp_path: Path) -> Wish:
    """A build of some seconds, so that things can happen to it."""
    return graphs.wish(graphs.convolution(tmp_path / "long.onnx", layers=400))


def _strike(with_signal: int) -> Watch:
    """On the first sign of progress, this happens to the process that builds."""
    struck = threading.Event()

    def strike(_phase: str, _fraction: float) -> None:
        if not struck.is_set():
            struck.set()
            for builder in _builders():
                os.kill(builder, with_signal)

    return Watch(strike, lambda: with_signal == signal.SIGSTOP and struck.is_set())


@pytest.mark.parametrize(
    ("happens", "code", "words"),
    [
        (signal.SIGSEGV, Code.INTERNAL, "crashed while it built the engine"),
        (signal.SIGKILL, Code.UNAVAILABLE, "ended by the system"),
        (signal.SIGSTOP, Code.CANCELLED, "was cancelled"),  # it hangs, and is cancelled
    ],
)
def test_a_build_that_ends_badly_is_one_sentence_and_leaves_nothing(
    cache: EngineCache, long: Wish, happens: int, code: Code, words: str
) -> None:
    with pytest.raises(VedetteError, match=words) as ended:
        obtain(cache, long, _strike(happens))
    assert ended.value.reason.code == code
    assert not _left(cache)
    assert cache.get(long.key) is None


def test_a_build_that_gets_no_more_memory_is_one_sentence(cache: EngineCache, long: Wish) -> None:
    limited: list[int] = []

    def limit(_phase: str, _fraction: float) -> None:
        for builder in _builders() if not limited else []:
            held = psutil.Process(builder).memory_info().vms
            resource.prlimit(builder, resource.RLIMIT_AS, (held, held))
            limited.append(builder)

    with pytest.raises(VedetteError, match=r"TensorRT for RTX|too little memory"):
        obtain(cache, long, Watch(limit))
    assert len(limited) == 1
    assert not _left(cache)


def test_a_cancelled_build_leaves_nothing_and_can_be_done_again(cache: EngineCache, tmp_path: Path, long: Wish) -> None:
    begun = threading.Event()
    with pytest.raises(VedetteError) as ended:
        obtain(cache, long, Watch(lambda _phase, _fraction: begun.set(), begun.is_set))
    assert ended.value.reason.code == Code.CANCELLED
    assert not _left(cache)
    obtained = obtain(cache, graphs.wish(graphs.convolution(tmp_path / "m.onnx")), Watch())
    assert isinstance(cache.get(obtained.engine.record.key), Engine)


def test_the_key_is_of_the_graph_as_it_lies_there(tmp_path: Path) -> None:
    path = graphs.convolution(tmp_path / "m.onnx")
    assert graphs.wish(path).key.model == digest.of_file(path)
