"""Small real ONNX graphs for every head: the tile is laid out in cells, and each cell is an object as bright as its pixels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from appliance.formats import model_package
from appliance.formats.model_package import ModelPackage
from tests.inference.models import manifest

SIDE, CELL = 128, 16
CELLS = (SIDE // CELL) ** 2
_TASK = {"boxes": "detect", "rotated-boxes": "detect-rotated", "instance-masks": "segment-instances"}


def write_package(folder: Path, kind: str, **changes: Any) -> ModelPackage:
    """A package for one of the heads boxes, rotated-boxes and instance-masks."""
    return save(folder, graph(kind), decode={"kind": kind}, task=_TASK[kind], **changes)


def save(folder: Path, model: onnx.ModelProto, **changes: Any) -> ModelPackage:
    folder.mkdir(parents=True, exist_ok=True)
    onnx.save(model, folder / "model.onnx")
    return model_package.write(folder, manifest(**changes), {"f1": 1.0}, "# Cells\n")


def graph(kind: str) -> onnx.ModelProto:
    """uint8 tiles (n, 128, 128, 3): red's mean over each of 64 cells is the cell's score, and shifts its box."""
    width = 5 if kind == "rotated-boxes" else 4
    constants = {
        "red": np.array([0], np.int64),
        "all": np.array([0, CELLS], np.int64),
        "column": np.array([0, CELLS, 1], np.int64),
        "scale": np.array(1 / 255, np.float32),
        "places": _places(kind)[None],
        "drift": np.array([3.0, 2.0, 5.0, 4.0, 30.0][:width], np.float32),
        "none": np.array(0, np.float32),
    }
    nodes = [
        helper.make_node("Gather", ["tiles", "red"], ["plane"], axis=3),
        helper.make_node("Cast", ["plane"], ["real"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["real", "scale"], ["scaled"]),
        helper.make_node("Transpose", ["scaled"], ["planar"], perm=[0, 3, 1, 2]),
        helper.make_node("AveragePool", ["planar"], ["pooled"], kernel_shape=[CELL, CELL], strides=[CELL, CELL]),
        helper.make_node("Reshape", ["pooled", "all"], ["scores"]),
        helper.make_node("Reshape", ["pooled", "column"], ["each"]),
        helper.make_node("Mul", ["each", "drift"], ["moved"]),
        helper.make_node("Add", ["places", "moved"], ["boxes"]),
        helper.make_node("Mul", ["scores", "none"], ["nothing"]),
        helper.make_node("Cast", ["nothing"], ["classes"], to=TensorProto.INT64),
    ]
    shapes = {"boxes": ["n", CELLS, width], "scores": ["n", CELLS], "classes": ["n", CELLS]}
    if kind == "instance-masks":
        constants |= {"grid": np.array([0, CELLS, 1, 1], np.int64), "cone": _cone()}
        nodes += [
            helper.make_node("Reshape", ["pooled", "grid"], ["strength"]),
            helper.make_node("Add", ["strength", "cone"], ["masks"]),
        ]
        shapes["masks"] = ["n", CELLS, 14, 14]
    return model(nodes, constants, shapes)


def model(
    nodes: list[Any], constants: dict[str, Any], shapes: dict[str, list[Any]], domain: str = ""
) -> onnx.ModelProto:
    """`domain`: another one that operators come from; such a model is not checked."""
    tiles = helper.make_tensor_value_info("tiles", TensorProto.UINT8, ["n", SIDE, SIDE, 3])
    kinds = {name: TensorProto.INT64 if name == "classes" else TensorProto.FLOAT for name in shapes}
    outputs = [helper.make_tensor_value_info(name, kinds[name], shape) for name, shape in shapes.items()]
    weights = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    opsets = [helper.make_opsetid("", 17), *([helper.make_opsetid(domain, 1)] if domain else [])]
    made = helper.make_model(
        helper.make_graph(nodes, "cells", [tiles], outputs, weights), opset_imports=opsets, ir_version=8
    )
    if not domain:
        onnx.checker.check_model(made)
    return made


def _places(kind: str) -> np.ndarray:
    y, x = (np.mgrid[0 : SIDE // CELL, 0 : SIDE // CELL].reshape(2, -1) * CELL + 4).astype(np.float32)
    if kind == "rotated-boxes":
        return np.stack([x + 4, y + 4, np.full_like(x, 9), np.full_like(x, 5), np.full_like(x, -20)], axis=1)
    return np.stack([x, y, x + 6, y + 5], axis=1)


def _cone() -> np.ndarray:
    across = np.arange(14) - 6.5
    return (0.6 - np.hypot(*np.meshgrid(across, across)) / 10).astype(np.float32)
