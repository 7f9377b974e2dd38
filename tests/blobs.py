"""A scene of bright blobs, and a real model package that finds them: small enough to make in a test, exact enough to check.

Used by tests/inference_worker, tests/cli and tests/end_to_end.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import rasterio
from affine import Affine
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from rasterio.errors import NotGeoreferencedWarning

from appliance.contracts.model_package import (
    DecodeHead,
    Manifest,
    ModelInput,
    RunningPoint,
    Task,
    TaxonomyClass,
)
from appliance.formats import model_package
from appliance.formats.model_package import ModelPackage

TILE = 128
HALO = 16
BOX = 12.0
_CANDIDATES = 64
_RADIUS = 12


def centres(width: int, height: int, count: int, seed: int = 7) -> NDArray[np.int64]:
    """(count, 2) pixel columns and rows, at least 32 pixels apart and 24 from the edge."""
    rng = np.random.default_rng(seed)
    columns, rows = np.meshgrid(np.arange(24, width - 24, 48), np.arange(24, height - 24, 48))
    grid = np.stack([columns.ravel(), rows.ravel()], axis=1)
    chosen = grid[rng.permutation(len(grid))[:count]]
    assert len(chosen) == count, "the scene is too small for so many blobs"
    return chosen + rng.integers(-8, 9, size=chosen.shape)


def write_scene(path: Path, width: int, height: int, found: NDArray[np.int64], georeferenced: bool = True) -> Path:
    """A tiled 3-band uint8 GeoTIFF (EPSG:32617, 0.1 m) with a Gaussian blob at each centre, on dark ground."""
    image = np.full((height, width), 20, np.float32)
    offsets = np.arange(-_RADIUS, _RADIUS + 1)
    blob = 200 * np.exp(-(offsets[:, None] ** 2 + offsets[None, :] ** 2) / 18.0)
    for column, row in found:
        image[row - _RADIUS : row + _RADIUS + 1, column - _RADIUS : column + _RADIUS + 1] += blob
    profile: dict[str, Any] = {"driver": "GTiff", "width": width, "height": height, "count": 3, "dtype": "uint8"}
    profile |= {"tiled": True, "blockxsize": 256, "blockysize": 256, "compress": "deflate"}
    if georeferenced:
        profile |= {"crs": "EPSG:32617", "transform": Affine(0.1, 0, 400_000, 0, -0.1, 3_300_000)}
    band = image.clip(0, 255).astype(np.uint8)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        _write(path, profile, band)
    return path


def _write(path: Path, profile: dict[str, Any], band: NDArray[np.uint8]) -> None:
    with rasterio.open(path, "w", **profile) as scene:
        for index in (1, 2, 3):
            scene.write(band, index)


def write_package(folder: Path, name: str = "blobs", version: str = "1.0.0", burn: int = 0) -> ModelPackage:
    """A model package whose graph finds local maxima brighter than 100. `burn` > 0 makes every tile that much dearer."""
    folder.mkdir(parents=True, exist_ok=True)
    onnx.save(_graph(burn), folder / "model.onnx")
    manifest = Manifest(
        name=name,
        version=version,
        task=Task.DETECT,
        architecture="local maxima",
        taxonomy=[TaxonomyClass(path=("blob",))],
        input=ModelInput(bands=["red", "green", "blue"], tile_size=TILE, halo=HALO),
        decode=DecodeHead(kind="boxes", maximum_per_tile=_CANDIDATES),
        running_point=RunningPoint(threshold=0.4),
        licence="Apache-2.0",
    )
    return model_package.write(folder, manifest, {"made": f"in a test, burn {burn}"}, "# Blobs\n\nMade in a test.\n")


def _constant(name: str, values: object, kind: type) -> TensorProto:
    return numpy_helper.from_array(np.asarray(values, kind), name)


def _graph(burn: int) -> onnx.ModelProto:
    """tiles (N,T,T,3) uint8 -> boxes (N,K,4), scores (N,K), classes (N,K)."""
    node = helper.make_node
    nodes = [
        node("Cast", ["tiles"], ["raw"], to=TensorProto.FLOAT),
        node("ReduceMean", ["raw", "last"], ["grey"], keepdims=0),
        node("Unsqueeze", ["grey", "one"], ["plane"]),
        node("Div", ["plane", "white"], ["value"]),
        node("MaxPool", ["value"], ["highest"], kernel_shape=[9, 9], strides=[1, 1], pads=[4, 4, 4, 4]),
        node("GreaterOrEqual", ["value", "highest"], ["peak"]),
        node("Greater", ["value", "floor"], ["bright"]),
        node("And", ["peak", "bright"], ["object"]),
        node("Cast", ["object"], ["mask"], to=TensorProto.FLOAT),
        node("Mul", ["value", "mask"], ["masked"]),
        node("Flatten", ["masked"], ["flat"]),
        node("TopK", ["flat", "k"], ["best", "index"]),
        node("Div", ["index", "width"], ["row"]),
        node("Mod", ["index", "width"], ["column"]),
        node("Cast", ["row"], ["y"], to=TensorProto.FLOAT),
        node("Cast", ["column"], ["x"], to=TensorProto.FLOAT),
        node("Unsqueeze", ["x", "two"], ["xs"]),
        node("Unsqueeze", ["y", "two"], ["ys"]),
        node("Concat", ["xs", "ys", "xs", "ys"], ["corners"], axis=2),
        node("Add", ["corners", "around"], ["boxes"]),
        node("Mul", ["index", "none"], ["classes"]),
        *_burner(burn),
    ]
    half = BOX / 2
    constants = [
        _constant("last", [3], np.int64),
        _constant("one", [1], np.int64),
        _constant("two", [2], np.int64),
        _constant("white", 255.0, np.float32),
        _constant("floor", 100 / 255, np.float32),
        _constant("k", [_CANDIDATES], np.int64),
        _constant("width", TILE, np.int64),
        _constant("none", 0, np.int64),
        _constant("around", [0.5 - half, 0.5 - half, 0.5 + half, 0.5 + half], np.float32),
        _constant("tiny", 1e-20, np.float32),
        _constant("kernel", np.full((32, 1, 5, 5), 0.01), np.float32),
        _constant("mixing", np.full((32, 32, 5, 5), 0.001), np.float32),
    ]
    outputs = [
        helper.make_tensor_value_info("boxes", TensorProto.FLOAT, ["n", _CANDIDATES, 4]),
        helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["n", _CANDIDATES]),
        helper.make_tensor_value_info("classes", TensorProto.INT64, ["n", _CANDIDATES]),
    ]
    tiles = helper.make_tensor_value_info("tiles", TensorProto.UINT8, ["n", TILE, TILE, 3])
    graph = helper.make_graph(nodes, "blobs", [tiles], outputs, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.checker.check_model(model)
    return model


def _burner(burn: int) -> list[onnx.NodeProto]:
    """`burn` convolutions whose result counts for nothing, yet cannot be left out."""
    node = helper.make_node
    if burn == 0:
        return [node("Identity", ["best"], ["scores"])]
    first = node("Conv", ["value", "kernel"], ["burn0"], pads=[2, 2, 2, 2])
    rest = [node("Conv", [f"burn{i}", "mixing"], [f"burn{i + 1}"], pads=[2, 2, 2, 2]) for i in range(burn - 1)]
    return [
        first,
        *rest,
        node("ReduceMean", [f"burn{burn - 1}"], ["heat"], keepdims=0),
        node("Mul", ["heat", "tiny"], ["nothing"]),
        node("Add", ["best", "nothing"], ["scores"]),
    ]
