"""A package whose model has layers worth lowering, and labelled snapshots that it finds everything on.

The model is exact: a cone finds the middle of a bright square, `LAYERS` layers of one pixel pass its answer on, a head
says it. With `gain` some of them carry a second channel of values so much larger that eight bits for both leave nothing
of the first, and half precision cannot hold them; nothing comes of that channel in FP32.
"""

from __future__ import annotations

from pathlib import Path
from uuid import uuid5

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from appliance.contracts.base import Sha256
from appliance.contracts.detection import PixelBox
from appliance.contracts.item import item_id
from appliance.contracts.snapshot import ITEMS_FOLDER, PixelWindow, SnapshotAnnotation, SnapshotItem
from appliance.formats import digest, model_package, snapshot
from appliance.formats.model_package import ModelPackage
from appliance.formats.snapshot import Snapshot
from tests.inference import models, scenes

LAYERS = 8
SIZE = 320
_SQUARE = models.SIDE


def write_package(folder: Path, gain: float = 0.0, name: str = "squares") -> ModelPackage:
    folder.mkdir(parents=True, exist_ok=True)
    onnx.save(model(gain), folder / "model.onnx")
    point = {"threshold": 0.5, "metric": "f1@0.4"}
    manifest = models.manifest(decode={"kind": "centre", "stride": 1}, running_point=point, name=name)
    return model_package.write(folder, manifest, {"made": "in a test"}, "# Squares\n")


def model(gain: float = 0.0, opset: int = 17, said: float = 1.0) -> onnx.ModelProto:
    across = np.arange(15) - 7
    cone = np.clip(8 - np.hypot(*np.meshgrid(across, across)), 0, None).astype(np.float32)
    constants = {
        "red": np.array([0], np.int64),
        "cone": np.stack([cone / cone.sum() / 255, 0 * cone]).astype(np.float32)[:, None],
        "zero": np.zeros((1,), np.float32),
        "side": np.full((1, 2, 1, 1), _SQUARE, np.float32),
        "half": np.full((1, 2, 1, 1), 0.5, np.float32),
        "said": np.array([[said, 0]], np.float32)[:, :, None, None],
    }
    nodes = [
        helper.make_node("Gather", ["tiles", "red"], ["plane"], axis=3),
        helper.make_node("Cast", ["plane"], ["real"], to=TensorProto.FLOAT),
        helper.make_node("Transpose", ["real"], ["planar"], perm=[0, 3, 1, 2]),
        helper.make_node("Conv", ["planar", "cone"], ["layer0"], name="first", pads=[7, 7, 7, 7]),
    ]
    for number in range(LAYERS):
        constants[f"weight{number}"] = _passing(number, gain)
        given, made = f"layer{number}", f"layer{number + 1}"
        # Turned before and after layer 6, so that its tensors are not computed away between two layers.
        passed = made if number not in (5, 6) else f"unturned{number}"
        nodes.append(helper.make_node("Conv", [given, f"weight{number}"], [passed], name=f"inner{number}"))
        if passed != made:
            nodes.append(helper.make_node("Transpose", [passed], [made], perm=[0, 1, 3, 2]))
    nodes += [
        helper.make_node("Conv", [f"layer{LAYERS}", "said"], ["heatmap"], name="head"),
        helper.make_node("Mul", ["heatmap", "zero"], ["blank"]),
        helper.make_node("Add", ["blank", "side"], ["size"]),
        helper.make_node("Add", ["blank", "half"], ["offset"]),
    ]
    tiles = helper.make_tensor_value_info("tiles", TensorProto.UINT8, ["n", 128, 128, 3])
    channels = {"heatmap": 1, "size": 2, "offset": 2}
    outputs = [helper.make_tensor_value_info(k, TensorProto.FLOAT, ["n", c, 128, 128]) for k, c in channels.items()]
    initializers = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "squares", [tiles], outputs, initializers)
    made_model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    onnx.checker.check_model(made_model)
    return made_model


def _passing(number: int, gain: float) -> np.ndarray:
    """The first channel as it is. The second begins as the first times `gain` in layer 4, grows once more in layer 5
    and ends in layer 6."""
    second = {4: [gain, 0.0], 5: [0.0, gain]}.get(number, [0.0, 0.0])
    return np.array([[1.0, 0.0], second], np.float32)[:, :, None, None]


def write_snapshot(folder: Path, seed: int, windows: tuple[PixelWindow, ...] = (), bands: int = 3) -> Snapshot:
    """One scene of `SIZE` pixels with 49 bright squares, each labelled."""
    draw = np.random.default_rng(seed)
    image = np.full((bands, SIZE, SIZE), 20, np.uint8)
    corners = [
        (44 * x + 12 + int(draw.integers(0, 12)), 44 * y + 12 + int(draw.integers(0, 12)))
        for x in range(7)
        for y in range(7)
    ]
    for x, y in corners:
        image[:, y : y + _SQUARE, x : x + _SQUARE] = 200 + int(draw.integers(0, 50))
    sha256 = digest.of_bytes(image.tobytes())
    item = _item(folder, sha256, image, windows)
    middle = _SQUARE / 2
    labels = [
        SnapshotAnnotation(
            item=item.name,
            label="thing/blob",
            box=PixelBox(x=x + middle, y=y + middle, width=_SQUARE, height=_SQUARE),
            item_id=item.item_id,
        )
        for x, y in corners
    ]
    return snapshot.write(folder, "squares", [item], labels)


def _item(folder: Path, sha256: Sha256, image: np.ndarray, windows: tuple[PixelWindow, ...]) -> SnapshotItem:
    identifier = uuid5(item_id("squares", sha256), "scene")
    scene = folder / ITEMS_FOLDER / f"{identifier}.tif"
    scene.parent.mkdir(parents=True)
    scenes.write(scene, image)
    return SnapshotItem(
        item_id=identifier,
        name=f"squares-{sha256[-6:]}.tif",
        original_sha256=sha256,
        scene_sha256=digest.of_file(scene),
        width=SIZE,
        height=SIZE,
        transform=(0.1, 0, 400_000, 0, -0.1, 3_300_000),
        windows=list(windows),
    )
