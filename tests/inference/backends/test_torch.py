"""What is torch's own: what it refuses rather than computes otherwise, what it takes from the process, and memory that ends."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from appliance.contracts.errors import Code, VedetteError
from appliance.formats.model_package import ModelPackage
from appliance.inference.backends import catalogue, choice, machine, probe
from appliance.inference.backends.base import Backend
from tests.inference.backends import graphs
from tests.inference.backends.conftest import TWO_THREADS
from tests.inference.models import write_package

pytestmark = pytest.mark.training
_ROOT = Path(__file__).parents[3]


def opened(name: str, package: ModelPackage) -> Backend:
    return catalogue.named(name).open(package, TWO_THREADS)


def planes(folder: Path, nodes: list[Any], dtype: str = "uint8", **constants: np.ndarray) -> ModelPackage:
    """A package whose `nodes` make `boxes` out of `plane`, the tiles as FP32."""
    first = helper.make_node("Cast", ["tiles"], ["plane"], to=TensorProto.FLOAT)
    model = graphs.model([first, *nodes], constants, {"boxes": ["n", "a", "b", "c"]})
    model.graph.input[0].type.tensor_type.elem_type = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    return graphs.save(folder, model, input={"dtype": dtype})


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_tiles_of_every_kind_and_an_axis_counted_from_the_end(dtype: str, tmp_path: Path) -> None:
    chosen = helper.make_node("Gather", ["plane", "which"], ["boxes"], axis=-1)
    package = planes(tmp_path / "package", [chosen], dtype, which=np.array([2, -3], np.int64))
    tiles = probe.tiles(package.manifest.input, 3)
    backend = opened("torch", package)
    assert (backend.infer(tiles)["boxes"] == tiles[..., [2, 0]].astype(np.float32)).all()
    backend.close()


_SIZES = {"scales": np.array([1, 1, 2, 1.5], np.float32), "none": np.array([], np.float32)}


@pytest.mark.parametrize(
    "said",
    [
        {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"},
        {"mode": "linear"},
        {"mode": "linear", "coordinate_transformation_mode": "align_corners"},
    ],
)
def test_resizing_is_as_the_reference_does_it(said: dict[str, str], tmp_path: Path) -> None:
    node = helper.make_node("Resize", ["plane", "none", "scales"], ["boxes"], **said)
    package = planes(tmp_path / "package", [node], **_SIZES)
    answers = []
    for name in ("onnxruntime", "torch"):
        backend = opened(name, package)
        answers.append(backend.infer(probe.tiles(package.manifest.input, 2))["boxes"])
        backend.close()
    assert answers[1] == pytest.approx(answers[0], abs=1e-3)


_OTHERWISE = {
    "Resize": [
        helper.make_node("Resize", ["plane", "none", "scales"], ["boxes"], mode="nearest"),
        helper.make_node(
            "Resize", ["plane", "none", "scales"], ["boxes"], mode="linear", coordinate_transformation_mode="asymmetric"
        ),
        helper.make_node("Resize", ["plane", "none", "scales"], ["boxes"], mode="cubic", cubic_coeff_a=-0.5),
    ],
    "If": [
        helper.make_node(
            "If",
            ["yes"],
            ["boxes"],
            **{
                branch: helper.make_graph(
                    [helper.make_node(does, ["plane"], [branch])],
                    branch,
                    [],
                    [helper.make_tensor_value_info(branch, TensorProto.FLOAT, None)],
                )
                for branch, does in (("then_branch", "Relu"), ("else_branch", "Neg"))
            },
        )
    ],
}


@pytest.mark.parametrize(("lacking", "node"), [(name, node) for name, nodes in _OTHERWISE.items() for node in nodes])
def test_what_it_would_compute_otherwise_is_refused_by_name(lacking: str, node: onnx.NodeProto, tmp_path: Path) -> None:
    package = planes(tmp_path / "package", [node], yes=np.array(True), **_SIZES)
    opened("onnxruntime", package).close()
    with pytest.raises(VedetteError, match=f"lacks {lacking}, which") as refused:
        opened("torch", package)
    assert refused.value.reason.code is Code.UNSUPPORTED


def test_an_operator_of_another_domain_is_not_taken_for_its_namesake(tmp_path: Path) -> None:
    node = helper.make_node("Relu", ["tiles"], ["boxes"], domain="com.example")
    package = graphs.save(tmp_path / "p", graphs.model([node], {}, {"boxes": ["n", 4]}, domain="com.example"))
    with pytest.raises(VedetteError, match="lacks Relu"):
        opened("torch", package)


def test_where_a_library_is_missing_it_says_which(monkeypatch: pytest.MonkeyPatch) -> None:
    found = catalogue.util.find_spec
    for gone in ("torch", "onnx2pytorch"):
        monkeypatch.setattr(catalogue.util, "find_spec", lambda name, gone=gone: None if name == gone else found(name))
        with pytest.raises(
            VedetteError, match=f"The backend torch cannot run here: {gone} is not installed"
        ) as refused:
            catalogue.named("torch")
        assert refused.value.reason.code is Code.UNSUPPORTED


def test_auto_measures_it_only_where_a_card_is(
    cells: ModelPackage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for cards, measured in (([], False), (["A card"], True)):
        monkeypatch.setattr(machine, "cards", lambda cards=cards: cards)
        assert ("torch" in [entry.name for entry in catalogue.measurable()]) is measured
    monkeypatch.undo()
    backend = choice.open_backend(catalogue.AUTO, cells, TWO_THREADS, tmp_path / "kept").backend
    assert ("torch" in backend.about.why) is bool(machine.cards())
    backend.close()


def test_a_closed_backend_gives_torch_its_threads_back(tmp_path: Path) -> None:
    import torch

    before = torch.get_num_threads()
    backend = opened("torch", write_package(tmp_path / "package"))
    assert torch.get_num_threads() == 1, "two threads for two streams"
    backend.close()
    assert torch.get_num_threads() == before


_NARROW = """
import resource, sys
from pathlib import Path
import numpy as np
from appliance.formats import model_package
from appliance.inference.backends import catalogue
from appliance.inference.backends.base import Allowance
package = model_package.read(Path(sys.argv[1]))
backend = catalogue.named("torch").open(package, Allowance(threads=1))
tiles = np.random.default_rng(1).integers(0, 255, (64, 128, 128, 3), np.uint8)
small = backend.infer(tiles[:2])["boxes"]
now = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (now + (300 << 20), now + (300 << 20)))
answer = backend.infer(tiles)["boxes"]
assert np.allclose(answer[:2], small)
print(len(answer), backend._halving.most)
"""


def test_memory_that_ends_halves_the_batch(tmp_path: Path) -> None:
    """For real, in a process that may take no more than 300 MiB beside what it has: half of this batch takes 384 at once."""
    nodes = [
        helper.make_node("Tile", ["plane", "wide"], ["many"]),
        helper.make_node("ReduceMean", ["many"], ["boxes"], axes=[1, 2]),
    ]
    package = planes(tmp_path / "package", nodes, wide=np.array([1, 1, 1, 64], np.int64))
    command = [sys.executable, "-c", _NARROW, str(package.folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, cwd=_ROOT)
    assert done.returncode == 0, done.stderr
    count, most = done.stdout.split()
    assert count == "64"
    assert int(most) < 64
