"""The ONNX graph as torch's backend takes it: what it cannot hold to is refused by name before anything is converted, and what
it need not know is taken out. Pure but for reading the file; knows ONNX, and nothing of torch. Called by torch.py."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper

from appliance.contracts.errors import Code, VedetteError
from appliance.inference.backends import failures

_PLAIN = ("", "ai.onnx")


@dataclass(frozen=True)
class Takes:
    """What tiles may be: `sides` are the axes' lengths, None where the graph leaves one open."""

    model: Path
    dtype: np.dtype[Any]
    sides: tuple[int | None, ...]

    def check(self, tiles: NDArray[Any]) -> None:
        """torch computes whatever it can of what it is given. Raises VedetteError(MODEL_PACKAGE)."""
        fits = len(tiles.shape) == len(self.sides) and all(
            side is None or side == given for side, given in zip(self.sides, tiles.shape, strict=True)
        )
        if fits and tiles.dtype == self.dtype:
            return
        declared = " x ".join("any" if side is None else str(side) for side in self.sides)
        given = " x ".join(map(str, tiles.shape))
        raise VedetteError(
            Code.MODEL_PACKAGE,
            f"{self.model} takes {self.dtype} tiles of {declared}, not {tiles.dtype} of {given}.",
            "Export the model again, or correct manifest.yaml.",
        )


@dataclass(frozen=True)
class Graph:
    """A model for torch.py to convert, and what goes in and comes out of it."""

    model: onnx.ModelProto
    takes: Takes
    outputs: tuple[str, ...]


def read(path: Path, input_name: str) -> Graph:
    """Raises VedetteError(MODEL_PACKAGE) for another input, NotImplementedError that names an operator which torch could not
    compute the same way, and what onnx raises for a file that is no model."""
    model = onnx.load(str(path))
    graph = model.graph
    for node in graph.node:
        if node.domain not in _PLAIN or any(part.type == onnx.AttributeProto.GRAPH for part in node.attribute):
            raise NotImplementedError(f"Conversion not implemented for op_type={node.op_type}.")
        if node.op_type == "Resize":
            _as_torch_resizes(node)
    plain = [each for each in model.opset_import if each.domain in _PLAIN]
    del model.opset_import[:]
    model.opset_import.extend(plain)
    onnx.checker.check_model(model)
    weights = {weight.name for weight in graph.initializer}
    inputs = [given for given in graph.input if given.name not in weights]
    names = [given.name for given in inputs]
    if names != [input_name]:
        raise failures.other_input(path, names, input_name)
    return Graph(model, _takes(path, inputs[0]), tuple(output.name for output in graph.output))


def _takes(path: Path, given: onnx.ValueInfoProto) -> Takes:
    tensor = given.type.tensor_type
    sides = tuple(axis.dim_value if axis.HasField("dim_value") else None for axis in tensor.shape.dim)
    return Takes(path, helper.tensor_dtype_to_np_dtype(tensor.elem_type), sides)


def _as_torch_resizes(node: onnx.NodeProto) -> None:
    """Leaves only what the converter heeds; it ignores the rest, with a warning, whatever it says."""
    said = {part.name: helper.get_attribute_value(part) for part in node.attribute}
    mode = said.get("mode", b"nearest")
    places = said.get("coordinate_transformation_mode", b"half_pixel")
    alike = (
        places == b"asymmetric" and said.get("nearest_mode", b"round_prefer_floor") == b"floor"
        if mode == b"nearest"
        else places in (b"half_pixel", b"pytorch_half_pixel", b"align_corners")
    )
    others = {"antialias": 0, "exclude_outside": 0, "cubic_coeff_a": -0.75, "keep_aspect_ratio_policy": b"stretch"}
    if not alike or "axes" in said or any(said.get(name, usual) != usual for name, usual in others.items()):
        raise NotImplementedError("Conversion not implemented for op_type=Resize.")
    heeded = {"mode": mode} | ({"coordinate_transformation_mode": places} if places == b"align_corners" else {})
    del node.attribute[:]
    node.attribute.extend(helper.make_attribute(name, value) for name, value in heeded.items())
