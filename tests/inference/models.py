"""Models for the tests: an exact finder of bright blobs, and a tiny real ONNX graph that does nearly the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from appliance.contracts.model_package import Manifest
from appliance.formats import model_package
from appliance.formats.model_package import ModelPackage
from appliance.inference.backends.base import About


def manifest(**changes: Any) -> Manifest:
    """Finds blobs in red: tiles of 128 with a halo of 32, no ground sample distance unless asked."""
    given: dict[str, Any] = {
        "bands": ["red", "green", "blue"],
        "tile_size": 128,
        "halo": 32,
        **changes.pop("input", {}),
    }
    document: dict[str, Any] = {
        "name": "blobs",
        "version": "1.0.0",
        "task": "detect",
        "architecture": "test",
        "taxonomy": [{"path": ("thing", "blob")}],
        "input": given,
        "decode": {"kind": "boxes"},
        "running_point": {"threshold": 0.3},
        "licence": "Apache-2.0",
        **changes,
    }
    return Manifest.model_validate(document)


class Blobs:
    """Exact and the same wherever the blob lies: connected parts of the first band above 127, score by brightness."""

    about = About("blobs", "OpenCV", "CPU")

    def __init__(self, most: int = 300) -> None:
        self.most = most
        self.batches: list[int] = []
        self.interrupted = False

    def infer(self, tiles: NDArray[Any]) -> dict[str, NDArray[Any]]:
        count = len(tiles)
        self.batches.append(count)
        boxes = np.zeros((count, self.most, 4), np.float32)
        scores = np.zeros((count, self.most), np.float32)
        for place, tile in enumerate(tiles):
            plane = np.ascontiguousarray(tile[..., 0])
            _, labels, stats, _ = cv2.connectedComponentsWithStats((plane > 127).astype(np.uint8), connectivity=8)
            for slot, (x, y, width, height, _) in enumerate(stats[1 : self.most + 1]):
                boxes[place, slot] = x, y, x + width, y + height
                scores[place, slot] = plane[labels == slot + 1].max() / 255
        return {"boxes": boxes, "scores": scores, "classes": np.zeros((count, self.most), np.int64)}

    def interrupt(self) -> None:
        self.interrupted = True

    def close(self) -> None: ...


SIDE = 11
"""The size the ONNX graph claims for every object."""


def write_package(folder: Path, **changes: Any) -> ModelPackage:
    """A package with a real graph: uint8 tiles, red smoothed by a 15 x 15 cone: one clear peak in the
    middle of a square of 11 pixels."""
    folder.mkdir(parents=True, exist_ok=True)
    card = manifest(decode={"kind": "centre", "stride": 1}, **changes)
    onnx.save(_graph(), folder / "model.onnx")
    return model_package.write(folder, card, {"f1": 1.0}, "# Blobs\n")


def _graph() -> onnx.ModelProto:
    across = np.arange(15) - 7
    cone = np.clip(8 - np.hypot(*np.meshgrid(across, across)), 0, None).astype(np.float32)
    constants = {
        "kernel": (cone / cone.sum() / 255)[None, None],
        "red": np.array([0], np.int64),
        "zero": np.zeros((1,), np.float32),
        "side": np.full((1, 2, 1, 1), SIDE, np.float32),
        "half": np.full((1, 2, 1, 1), 0.5, np.float32),
    }
    nodes = [
        helper.make_node("Gather", ["tiles", "red"], ["plane"], axis=3),
        helper.make_node("Cast", ["plane"], ["real"], to=TensorProto.FLOAT),
        helper.make_node("Transpose", ["real"], ["planar"], perm=[0, 3, 1, 2]),
        helper.make_node("Conv", ["planar", "kernel"], ["heatmap"], pads=[7, 7, 7, 7]),
        helper.make_node("Mul", ["heatmap", "zero"], ["blank"]),
        helper.make_node("Add", ["blank", "side"], ["size"]),
        helper.make_node("Add", ["blank", "half"], ["offset"]),
    ]
    tiles = helper.make_tensor_value_info("tiles", TensorProto.UINT8, ["n", "h", "w", "c"])
    channels = {"heatmap": 1, "size": 2, "offset": 2}
    outputs = [helper.make_tensor_value_info(k, TensorProto.FLOAT, ["n", c, "h", "w"]) for k, c in channels.items()]
    initializers = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "blobs", [tiles], outputs, initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    return model
