"""What is changed for TensorRT's parser changes no number, and what it could not know is refused by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import TensorProto, helper

from appliance.contracts.errors import Code, VedetteError
from appliance.inference.engines import graph
from tests.inference.engines import graphs


def _run(model: Path | bytes, tiles: Any) -> Any:
    session = ort.InferenceSession(model, providers=["CPUExecutionProvider"])
    return session.run(None, {"tiles": tiles})[0]


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_the_conversion_comes_first_and_every_number_stays(tmp_path: Path, dtype: Any) -> None:
    path = graphs.convolution(tmp_path / "m.onnx", helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))
    tiles = np.random.default_rng(1).integers(0, np.iinfo(dtype).max, (2, 32, 32, 3), dtype, endpoint=True)
    prepared = graph.prepare(path, "tiles")
    given = tiles if dtype is np.uint8 else tiles.astype(np.float32)
    assert onnx.load_from_string(prepared).graph.node[0].name == "vedette/input"
    assert np.array_equal(_run(path, tiles), _run(prepared, given))


def test_quantised_biases_become_what_they_stand_for(tmp_path: Path) -> None:
    path = graphs.quantised(tmp_path / "m.onnx")
    tiles = np.random.default_rng(1).integers(0, 255, (1, 16, 16, 3), np.uint8)
    prepared = graph.prepare(path, "tiles")
    assert "b dq" not in {node.name for node in onnx.load_from_string(prepared).graph.node}
    # Nothing but the order of adding may differ: ONNX Runtime fuses the one and not the other.
    assert np.allclose(_run(path, tiles), _run(prepared, tiles), atol=0.05)


def test_computing_with_integer_pixels_is_refused_by_the_node(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Transpose", ["tiles"], ["moved"], perm=[0, 3, 1, 2], name="move"),
        helper.make_node("Max", ["moved", "moved"], ["most"], name="brightest"),
        helper.make_node("Cast", ["most"], ["out"], to=TensorProto.FLOAT),
    ]
    path = graphs.save(tmp_path / "m.onnx", nodes, {}, {"out": TensorProto.FLOAT})
    with pytest.raises(VedetteError, match=r"'brightest' \(Max\)") as refused:
        graph.prepare(path, "tiles")
    assert refused.value.reason.code == Code.UNSUPPORTED


def test_integer_pixels_handed_out_are_refused(tmp_path: Path) -> None:
    nodes = [helper.make_node("Identity", ["tiles"], ["out"])]
    path = graphs.save(tmp_path / "m.onnx", nodes, {}, {"out": TensorProto.UINT8})
    with pytest.raises(VedetteError, match="hands out integer pixels"):
        graph.prepare(path, "tiles")


def test_what_is_no_graph_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    path.write_bytes(b"\x00 not a graph")
    with pytest.raises(VedetteError, match=r"no ONNX graph|no input"):
        graph.prepare(path, "tiles")
    with pytest.raises(VedetteError, match="no input scenes"):
        graph.prepare(graphs.convolution(path), "scenes")
