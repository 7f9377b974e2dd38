"""Models that a backend cannot run, outputs that are no numbers, and the first two users of a library."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper

from appliance.contracts.errors import Code, VedetteError
from appliance.formats.model_package import ModelPackage
from appliance.inference.backends import catalogue, failures
from appliance.inference.backends.base import blank
from appliance.inference.backends.failures import MemoryShortError
from appliance.inference.backends.halving import Halving
from appliance.inference.options import PredictOptions, SceneSource
from appliance.inference.predict import predict_scene
from tests.inference import scenes
from tests.inference.backends import graphs
from tests.inference.backends.conftest import HERE, TWO_THREADS
from tests.inference.models import write_package

_ROOT = Path(__file__).parents[3]


def refusal(name: str, package: ModelPackage) -> VedetteError:
    with pytest.raises(VedetteError) as refused:
        catalogue.named(name).open(package, TWO_THREADS)
    return refused.value


@pytest.mark.parametrize("name", HERE)
def test_a_file_that_is_no_model_is_refused_in_one_sentence(name: str, tmp_path: Path) -> None:
    package = write_package(tmp_path / "package")
    package.model_path.write_bytes(b"not ONNX at all")
    reason = refusal(name, package).reason
    assert reason.code is Code.MODEL_PACKAGE
    assert "model.onnx cannot be loaded" in reason.message
    assert "\n" not in reason.message


@pytest.mark.parametrize("name", HERE)
def test_a_graph_with_another_input_is_refused_by_name(name: str, tmp_path: Path) -> None:
    package = write_package(tmp_path / "package", input={"name": "image"})
    assert "takes tiles, not image" in refusal(name, package).reason.message


@pytest.mark.parametrize("name", HERE)
def test_an_operator_that_is_lacking_is_named(name: str, tmp_path: Path) -> None:
    node = helper.make_node("Sharpen", ["tiles"], ["boxes"], domain="com.example")
    graph = graphs.model([node], {}, {"boxes": ["n", 4]}, domain="com.example")
    reason = refusal(name, graphs.save(tmp_path / "package", graph)).reason
    assert reason.code is Code.UNSUPPORTED
    assert "lacks" in reason.message
    assert "Sharpen" in reason.message


@pytest.mark.parametrize("name", HERE)
def test_tiles_that_the_graph_does_not_take_are_refused_and_the_next_are_taken(name: str, cells: ModelPackage) -> None:
    backend = catalogue.named(name).open(cells, TWO_THREADS)
    for wrong in (np.zeros((2, 128, 128, 5), np.uint8), np.zeros((2, 64, 128, 3), np.uint8)):
        with pytest.raises(VedetteError) as refused:
            backend.infer(wrong)
        assert refused.value.reason.code is Code.MODEL_PACKAGE
    assert len(backend.infer(blank(cells.manifest.input, 3))["scores"]) == 3
    backend.close()


def test_a_name_that_is_none_or_cannot_run_here_is_refused() -> None:
    with pytest.raises(VedetteError, match="There is no backend abacus"):
        catalogue.named("abacus")
    if "onnxruntime-cuda" not in HERE:
        with pytest.raises(VedetteError, match="onnxruntime-cuda cannot run here: no NVIDIA card"):
            catalogue.named("onnxruntime-cuda")


@pytest.mark.parametrize("broken", ["NaN", "infinite"])
@pytest.mark.parametrize("name", HERE)
def test_scores_that_are_no_numbers_end_the_run_and_name_the_output(name: str, broken: str, tmp_path: Path) -> None:
    graph = graphs.graph("boxes")
    zero = next(weight for weight in graph.graph.initializer if weight.name == "scale")
    zero.CopyFrom(onnx.numpy_helper.from_array(np.array(np.nan if broken == "NaN" else np.inf, np.float32), "scale"))
    package = graphs.save(tmp_path / "package", graph)
    scene = scenes.write(tmp_path / "scene.tif", scenes.drawn([(9, 9, 90, 90)], 150, 150))
    backend = catalogue.named(name).open(package, TWO_THREADS)
    with pytest.raises(VedetteError, match=r"output scores .*not numbers") as refused:
        predict_scene(
            SceneSource(str(scene), "scene"), package.manifest, backend, tmp_path / "o.parquet", PredictOptions()
        )
    assert refused.value.reason.code is Code.MODEL_PACKAGE
    backend.close()


_FIRST_USE = """
import sys, threading
from pathlib import Path
from appliance.formats import model_package
from appliance.inference.backends import catalogue
from appliance.inference.backends.base import Allowance, blank
package = model_package.read(Path(sys.argv[1]))
def use():
    backend = catalogue.named(sys.argv[2]).open(package, Allowance(threads=2))
    backend.infer(blank(package.manifest.input, 4))
    backend.close()
threads = [threading.Thread(target=use) for _ in range(2)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print("done")
"""


@pytest.mark.parametrize("name", HERE)
def test_two_threads_may_be_the_first_users(name: str, tmp_path: Path) -> None:
    """OpenVINO's binding hangs now and then where two threads' requests are its first, and holds the interpreter: only another
    process can tell."""
    package = write_package(tmp_path / "package")
    for _ in range(2 if name == "openvino" else 1):
        command = [sys.executable, "-c", _FIRST_USE, str(package.folder), name]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=_ROOT, env=os.environ)
        assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr


def test_nothing_of_openvino_could_tell_anybody(tmp_path: Path) -> None:
    """Its telemetry is not installed: what its tools call in its place is a stub that sends nothing."""
    package = write_package(tmp_path / "package")
    look = (
        "import sys; from pathlib import Path; from importlib import util\n"
        "from appliance.inference.backends.openvino import OpenVinoBackend\n"
        "from appliance.formats import model_package\n"
        "package = model_package.read(Path(sys.argv[1]))\n"
        "OpenVinoBackend(package.model_path, package.manifest, 1).close()\n"
        "assert util.find_spec('openvino_telemetry') is None\n"
        "assert 'openvino_telemetry' not in sys.modules\n"
    )
    command = [sys.executable, "-c", look, str(package.folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=_ROOT)
    assert done.returncode == 0, done.stderr


class Narrow:
    """Has memory for so many tiles at once."""

    def __init__(self, most: int) -> None:
        self.most, self.asked = most, []

    def infer(self, tiles: np.ndarray) -> dict[str, np.ndarray]:
        self.asked.append(len(tiles))
        if len(tiles) > self.most:
            raise MemoryShortError("CUDA out of memory")
        return {"scores": tiles[:, :1] * 2}


@pytest.mark.parametrize("most", [1, 2, 3, 5, 8, 20])
def test_a_batch_that_does_not_fit_goes_through_in_halves(most: int) -> None:
    narrow, halving = Narrow(most), Halving()
    tiles = np.arange(24).reshape(8, 3)
    for _ in range(2):
        assert (halving.run(tiles, narrow.infer)["scores"] == tiles[:, :1] * 2).all()
    assert sum(count > most for count in narrow.asked) <= 3, "what does not fit is not tried again and again"


def test_one_tile_that_does_not_fit_is_refused_by_name() -> None:
    with pytest.raises(VedetteError, match="One tile alone is more than the memory") as refused:
        Halving().run(np.zeros((4, 3)), Narrow(0).infer)
    assert refused.value.reason.code is Code.LIMIT


@pytest.mark.parametrize(
    "said",
    [
        "Failed to allocate memory for requested buffer of size 1073741824",
        "CUDA failure 2: out of memory ; GPU=0",
        "BFCArena::AllocateRawInternal Available memory of 8 is smaller than requested bytes of 16",
        "std::bad_alloc",
    ],
)
def test_want_of_memory_is_told_from_a_broken_device(said: str) -> None:
    assert isinstance(failures.on_tiles(RuntimeError(said)), MemoryShortError)


def test_a_lost_device_may_be_tried_again() -> None:
    error = failures.on_tiles(RuntimeError("CUDA failure 719: unspecified launch failure"))
    assert isinstance(error, VedetteError)
    assert (error.reason.code, error.reason.retryable) == (Code.UNAVAILABLE, True)
