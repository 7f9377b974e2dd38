"""Which nodes of an ONNX graph are the network, and which only prepare tiles or decode what it says. Called by half.py and int8.py.

The network is what lies between the first and the last layers with weights; the first layers see pixels and the last ones
(the heads) say scores and sizes, and both cost more in accuracy than they gain in time when they compute in less. Knows
graphs, not packages.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import onnx

from appliance.contracts.errors import Code, VedetteError
from appliance.inference.backends.base import Backend

Run = Callable[[Path], Backend]
"""Loads a graph of this model."""

WEIGHTED = frozenset({"Conv", "ConvTranspose", "Gemm", "MatMul"})
_LOWERED = frozenset(
    {"QuantizeLinear", "DequantizeLinear", "QLinearConv", "QLinearMatMul", "ConvInteger", "MatMulInteger"}
)


@dataclass(frozen=True)
class Anatomy:
    """Names of nodes. `inner`: after a first layer and before a head, neither of them included; in the graph's order."""

    first: frozenset[str]
    inner: tuple[str, ...]
    heads: frozenset[str]


def load(path: Path) -> onnx.ModelProto:
    """The model with every node named and the types of its tensors inferred.

    Raises VedetteError(MODEL_PACKAGE) for what is no ONNX model, or one that computes in lower precision already.
    """
    try:
        model = onnx.load(str(path))
        model = onnx.shape_inference.infer_shapes(model, data_prop=True)
    except Exception as error:  # protobuf's, onnx's and the system's errors share no class
        raise VedetteError(
            Code.MODEL_PACKAGE, f"{path} is no ONNX model: {type(error).__name__}.", "Export the model again."
        ) from error
    _refuse_lowered(path, model)
    for number, node in enumerate(model.graph.node):
        node.name = node.name or f"{node.op_type}_{number}"
    if len({node.name for node in model.graph.node}) < len(model.graph.node):
        for number, node in enumerate(model.graph.node):
            node.name = f"{node.name}_{number}"
    return model


def examine(model: onnx.ModelProto) -> Anatomy:
    """Raises VedetteError(MODEL_PACKAGE) when nothing lies between first layers and heads."""
    nodes = list(model.graph.node)
    weighted = {node.name for node in nodes if node.op_type in WEIGHTED}
    after = _reached(nodes, weighted)
    before = _reached([_turned(node) for node in reversed(nodes)], weighted)
    first, heads = frozenset(weighted - after), frozenset(weighted - before)
    inner = tuple(node.name for node in nodes if node.name in after & before)
    if not weighted & set(inner):
        raise VedetteError(
            Code.MODEL_PACKAGE,
            "The model has no layer between its first and its last that could compute in less.",
            "Serve it as it is.",
        )
    return Anatomy(first, inner, heads)


def tap(path: Path, names: Iterable[str]) -> None:
    """Make these tensors outputs of the graph in the file as well."""
    model = onnx.load(str(path))
    told = {output.name for output in model.graph.output}
    model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names if name not in told)
    onnx.save(model, str(path))


def _reached(nodes: list[onnx.NodeProto], starts: set[str]) -> set[str]:
    """Names of the nodes that something of `starts` leads to; nodes are in an order in which outputs precede their uses."""
    lit: set[str] = set()
    found: set[str] = set()
    for node in nodes:
        if lit.intersection(filter(None, node.input)):
            found.add(node.name)
            lit.update(node.output)
        elif node.name in starts:
            lit.update(node.output)
    return found


def _turned(node: onnx.NodeProto) -> onnx.NodeProto:
    return onnx.helper.make_node(node.op_type, node.output, node.input, name=node.name)


def _refuse_lowered(path: Path, model: onnx.ModelProto) -> None:
    graph = model.graph
    half = {onnx.TensorProto.FLOAT16, onnx.TensorProto.BFLOAT16}
    kinds: Iterable[int] = [
        *(each.data_type for each in graph.initializer),
        *(_kind(each) for each in graph.value_info),
    ]
    if half.intersection(kinds):
        raise VedetteError(
            Code.MODEL_PACKAGE, f"{path} computes in half precision already.", "Name the package with the FP32 model."
        )
    if _LOWERED.intersection(node.op_type for node in graph.node):
        raise VedetteError(Code.MODEL_PACKAGE, f"{path} is quantised already.", "Name the package with the FP32 model.")


def _kind(info: onnx.ValueInfoProto) -> int:
    return int(info.type.tensor_type.elem_type)
