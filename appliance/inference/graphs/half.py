"""A graph whose network computes in half precision. Called by optimise_candidates.py.

Preparation, first layers, heads, decoding and whatever loses its meaning in eleven bits stay as they are, and so do inputs
and outputs. `onnxruntime.transformers.float16` is not used: it passes what a node in float says to the next one in float
through half all the same, and box corners would be rounded to a quarter of a pixel.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from appliance.contracts.errors import Code, VedetteError
from appliance.inference.graphs import anatomy
from appliance.inference.graphs.anatomy import Run

_TAKES_HALF = anatomy.WEIGHTED | {
    *("Add", "Sub", "Mul", "Clip", "Relu", "LeakyRelu", "PRelu", "HardSigmoid", "HardSwish", "Sigmoid"),
    *("MaxPool", "AveragePool", "Concat", "Pad", "Resize"),
    *("Reshape", "Flatten", "Transpose", "Squeeze", "Unsqueeze", "Identity"),
}
"""What is exact enough in half: no exponentials, no sums over a whole map, no divisions."""
_ONLY_FIRST = frozenset({"Resize"})
"""Operators whose other inputs stay float whatever the first one is."""


_LARGEST = float(np.finfo(np.float16).max)
_TRIED_TILES = 4


def convert(source: Path, target: Path, tiles: NDArray[Any], run: Run) -> tuple[str, ...]:
    """Write the half-precision model; the names of the layers that stay in float because their values on these tiles
    (n, ...) come near the largest that half can hold, or pass it. Whatever computes the float model tells: not every
    backend computes in half what it was asked to.

    Raises VedetteError(MODEL_PACKAGE) for a model that cannot be converted.
    """
    model = anatomy.load(source)
    if any(part.type == onnx.AttributeProto.GRAPH for node in model.graph.node for part in node.attribute):
        raise VedetteError(
            Code.MODEL_PACKAGE,
            f"{source} has branches or loops, which are not converted to half precision.",
            "Export it without them, or serve it as it is.",
        )
    inner = set(anatomy.examine(model).inner)
    able = [node for node in model.graph.node if node.name in inner and node.op_type in _TAKES_HALF]
    onnx.save(model, str(target))
    large = _large(able, model, target, tiles, run)
    chosen = {node.name for node in able if not large.intersection([*node.input, *node.output])}
    made = _Rewriting(model, chosen).result()
    try:
        onnx.checker.check_model(made, full_check=True)
    except onnx.checker.ValidationError as error:
        reason = " ".join(str(error).split())[:300]
        raise VedetteError(
            Code.MODEL_PACKAGE, f"{source} cannot be converted to half precision: {reason}.", "Serve it as it is."
        ) from error
    onnx.save(made, str(target))
    return tuple(node.name for node in able if node.name not in chosen and node.op_type in anatomy.WEIGHTED)


def _large(able: list[onnx.NodeProto], model: onnx.ModelProto, path: Path, tiles: NDArray[Any], run: Run) -> set[str]:
    """Tensors that the nodes take or give whose values pass half of half's range, or are no numbers."""
    known = {each.name for each in model.graph.initializer}
    names = {name for node in able for name in (*node.input, *node.output) if name and name not in known}
    anatomy.tap(path, sorted(names))
    found: set[str] = set()
    backend = run(path)
    try:
        for tile in tiles[:_TRIED_TILES]:
            outputs = backend.infer(tile[None])
            found |= {name for name in names if not np.abs(outputs[name]).max(initial=0) <= _LARGEST / 2}
    finally:
        backend.close()
    weights = {each.name: numpy_helper.to_array(each) for each in model.graph.initializer}
    return found | {name for name, values in weights.items() if np.abs(values).max(initial=0) > _LARGEST}


@dataclass
class _Rewriting:
    """`chosen` nodes take and give half; casts stand where half and float meet, one for each tensor and direction."""

    model: onnx.ModelProto
    chosen: set[str]
    _nodes: list[onnx.NodeProto] = field(default_factory=list)
    _weights: dict[str, onnx.TensorProto] = field(default_factory=dict)
    _cast: set[str] = field(default_factory=set)

    def result(self) -> onnx.ModelProto:
        graph = self.model.graph
        kinds = {each.name: each.type.tensor_type.elem_type for each in (*graph.value_info, *graph.input)}
        kinds |= {each.name: each.type.tensor_type.elem_type for each in graph.output}
        kinds |= {each.name: each.data_type for each in graph.initializer}
        floats = {name for name, kind in kinds.items() if kind == TensorProto.FLOAT}
        constants = {each.name: each for each in graph.initializer}
        halves: set[str] = set()
        outputs = {each.name for each in graph.output}
        for node in graph.node:
            copy = onnx.NodeProto()
            copy.CopyFrom(node)
            if node.name in self.chosen:
                self._lower(copy, floats, constants, halves)
                self._nodes.append(copy)
                self._give(copy, floats, halves, outputs)
            else:
                for place, name in enumerate(node.input):
                    if name in halves:
                        copy.input[place] = self._to(name, TensorProto.FLOAT)
                self._nodes.append(copy)
        return self._assembled()

    def _lower(
        self, node: onnx.NodeProto, floats: set[str], constants: dict[str, onnx.TensorProto], halves: set[str]
    ) -> None:
        for place, name in enumerate(node.input):
            if name not in floats or (place and node.op_type in _ONLY_FIRST):
                continue
            if name in constants:
                self._weights.setdefault(name, _half(constants[name]))
                node.input[place] = self._weights[name].name
            elif name in halves:
                node.input[place] = f"{name}.half"
            else:
                node.input[place] = self._to(name, TensorProto.FLOAT16)

    def _give(self, node: onnx.NodeProto, floats: set[str], halves: set[str], outputs: set[str]) -> None:
        for place, name in enumerate(node.output):
            if name not in floats:
                continue
            halves.add(name)
            node.output[place] = f"{name}.half"
            if name in outputs:
                self._nodes.append(helper.make_node("Cast", [f"{name}.half"], [name], to=TensorProto.FLOAT))

    def _to(self, name: str, kind: int) -> str:
        """The tensor in the other precision, cast once."""
        lower = kind == TensorProto.FLOAT16
        given, made = (name, f"{name}.half") if lower else (f"{name}.half", f"{name}.float")
        if made not in self._cast:
            self._cast.add(made)
            self._nodes.append(helper.make_node("Cast", [given], [made], name=f"Cast_{made}", to=kind))
        return made

    def _assembled(self) -> onnx.ModelProto:
        made = onnx.ModelProto()
        made.CopyFrom(self.model)
        graph = made.graph
        used = {name for node in self._nodes for name in node.input}
        weights = [each for each in graph.initializer if each.name in used]
        for part in (graph.node, graph.initializer, graph.value_info):
            del part[:]
        graph.node.extend(self._nodes)
        graph.initializer.extend([*weights, *self._weights.values()])
        return made


def _half(weight: onnx.TensorProto) -> onnx.TensorProto:
    return numpy_helper.from_array(numpy_helper.to_array(weight).astype(np.float16), f"{weight.name}.half")
