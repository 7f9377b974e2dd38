"""Graphs for the tests of engines: small, real, and each with something that matters to TensorRT."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from appliance.contracts.model_package import Precision
from appliance.formats import digest
from appliance.inference.engines import graph, libraries
from appliance.inference.engines.obtain import Wish
from appliance.inference.engines.spec import NO_DEVICE, EngineKey, Library, Profile, Span

HALF = TensorProto.FLOAT16


def save(
    path: Path, nodes: Sequence[Any], constants: dict[str, Any], outputs: dict[str, int], kind: int = TensorProto.UINT8
) -> Path:
    """`tiles` (n, h, w, 3) of this kind in; `outputs` of these element types out."""
    tiles = helper.make_tensor_value_info("tiles", kind, ["n", "h", "w", 3])
    made = [helper.make_tensor_value_info(name, element, None) for name, element in outputs.items()]
    held = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    body = helper.make_graph(list(nodes), "test", [tiles], made, held)
    imports = [helper.make_opsetid("", 17), helper.make_opsetid("acme", 1)]
    onnx.save(helper.make_model(body, opset_imports=imports, ir_version=8), path)
    return path


def convolution(path: Path, kind: int = TensorProto.UINT8, layers: int = 2, half: bool = False) -> Path:
    """Pixels moved, then converted, then `layers` convolutions of 3 x 3; in half precision where asked."""
    real, number = (HALF, np.float16) if half else (TensorProto.FLOAT, np.float32)
    draw = np.random.default_rng(0)
    nodes = [
        helper.make_node("Transpose", ["tiles"], ["planar"], perm=[0, 3, 1, 2], name="to planes"),
        helper.make_node("Cast", ["planar"], ["x0"], to=real, name="convert"),
    ]
    constants = {}
    for layer in range(layers):
        constants[f"w{layer}"] = draw.normal(0, 0.01, (3, 3, 3, 3)).astype(number)
        nodes.append(
            helper.make_node(
                "Conv", [f"x{layer}", f"w{layer}"], [f"x{layer + 1}"], pads=[1, 1, 1, 1], name=f"conv {layer}"
            )
        )
    nodes.append(helper.make_node("Cast", [f"x{layers}"], ["out"], to=TensorProto.FLOAT, name="out"))
    return save(path, nodes, constants, {"out": TensorProto.FLOAT}, kind)


def quantised(path: Path, zero: int = 0) -> Path:
    """One convolution with explicit Q/DQ pairs and a quantised bias, as ONNX Runtime's quantiser writes them."""
    kernel = np.random.default_rng(0).integers(-127, 127, (4, 3, 3, 3), dtype=np.int8)
    unit = np.full(4, 0.01, np.float32)
    constants = {
        "w": kernel,
        "ws": unit,
        "wz": np.zeros(4, np.int8),
        "s": np.float32(2.0),
        "z": np.int8(zero),
        "b": np.array([100, -200, 300, 0], np.int32),
        "bs": unit * 2,
        "bz": np.zeros(4, np.int32),
    }
    nodes = [
        helper.make_node("Transpose", ["tiles"], ["planar"], perm=[0, 3, 1, 2], name="to planes"),
        helper.make_node("Cast", ["planar"], ["x"], to=TensorProto.FLOAT, name="convert"),
        helper.make_node("QuantizeLinear", ["x", "s", "z"], ["xq"], name="q"),
        helper.make_node("DequantizeLinear", ["xq", "s", "z"], ["xd"], name="dq"),
        helper.make_node("DequantizeLinear", ["w", "ws", "wz"], ["wd"], axis=0, name="w dq"),
        helper.make_node("DequantizeLinear", ["b", "bs", "bz"], ["bd"], axis=0, name="b dq"),
        helper.make_node("Conv", ["xd", "wd", "bd"], ["out"], pads=[1, 1, 1, 1], name="conv"),
    ]
    return save(path, nodes, constants, {"out": TensorProto.FLOAT})


def wish(
    model: Path, batch: tuple[int, int, int] = (1, 2, 4), side: int = 64, precision: Precision = Precision.FP32
) -> Wish:
    """For TensorRT for RTX, without a card."""
    key = EngineKey(
        model=digest.of_file(model),
        precision=precision,
        profile=Profile(batch=spanned(*batch), side=spanned(side, side, side)),
        library=Library.RTX,
        library_version=libraries.needed_version(Library.RTX),
        device=NO_DEVICE,
        preparation=graph.PREPARATION,
    )
    return Wish(key, model, "tiles", "nhwc", 3)


def spanned(least: int, best: int, most: int) -> Span:
    return Span(least=least, best=best, most=most)
