"""What a model costs and what a card could do at best, both by arithmetic: the roofline (Williams et al. 2009). Called by gpu.py.

Knows a graph and a card's figures, measures nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from pathlib import Path

import onnx
from onnx import numpy_helper

from appliance.contracts.model_package import Manifest
from appliance.inference.gpu_meter import Card
from appliance.inference.graphs.on_device import of_fixed_size

_PER_SM = {(7, 0): 1024, (7, 5): 1024, (8, 0): 2048, (8, 6): 1024, (8, 7): 1024, (8, 9): 1024, (9, 0): 4096, (10, 0): 8192,
           (12, 0): 1024}  # fmt: skip
"""FP16 operations of a multiprocessor's tensor cores in a tick, dense, a multiplication and an addition being two: NVIDIA's
architecture white papers, by compute capability."""

_CORES_PER_SM = {(7, 0): 64, (7, 5): 64, (8, 0): 64}
_USUAL_CORES = 128


@dataclass(frozen=True)
class Work:
    """Of one tile: `operations` of convolutions and matrix products; `bytes` that these layers read and write beside their
    weights, as if what lies between them cost nothing. `weight_bytes` are read once for a batch."""

    operations: float
    bytes: float
    weight_bytes: float


@dataclass(frozen=True)
class Peak:
    operations_per_second: float
    bytes_per_second: float


def of_model(path: Path, manifest: Manifest, itemsize: int = 2) -> Work:
    """`itemsize`: bytes of a number as the model computes, 2 for FP16."""
    model = of_fixed_size(onnx.load(str(path)), manifest)
    weights = {each.name: tuple(each.dims) for each in model.graph.initializer}
    weights |= {node.output[0]: numpy_helper.to_array(node.attribute[0].t).shape
                for node in model.graph.node if node.op_type == "Constant" and node.attribute[0].HasField("t")}  # fmt: skip
    told = (*model.graph.value_info, *model.graph.input, *model.graph.output)
    shapes = weights | {each.name: _of_one_tile(each) for each in told if each.name not in weights}
    operations = moved = held = 0.0
    for node in model.graph.node:
        if not (count := _operations(node, shapes)):
            continue
        operations += count
        held += itemsize * sum(prod(shapes[name]) for name in node.input if name in weights)
        tensors = [name for name in (*node.input, *node.output) if name and name not in weights]
        moved += itemsize * sum(prod(shapes[name]) for name in tensors)
    return Work(operations, moved, held)


def of_card(card: Card) -> Peak | None:
    """In FP16 on tensor cores; None of a card whose figures the driver does not tell, or of an architecture not known here."""
    per_sm = _PER_SM.get(card.capability)
    if per_sm is None or not (card.cores and card.clock_hertz and card.bytes_per_second):
        return None
    multiprocessors = card.cores / _CORES_PER_SM.get(card.capability, _USUAL_CORES)
    return Peak(multiprocessors * per_sm * card.clock_hertz, card.bytes_per_second)


def tiles_per_second(work: Work, peak: Peak, batch: int) -> float:
    """What no implementation exceeds: the slower of computing and of moving."""
    moving = (work.bytes + work.weight_bytes / batch) / peak.bytes_per_second
    return 1 / max(work.operations / peak.operations_per_second, moving)


def _operations(node: onnx.NodeProto, shapes: dict[str, tuple[int, ...]]) -> float:
    if node.op_type == "Conv":
        return 2.0 * prod(shapes[node.output[0]]) * prod(shapes[node.input[1]][1:])
    if node.op_type == "ConvTranspose":
        return 2.0 * prod(shapes[node.input[0]]) * prod(shapes[node.input[1]][1:])
    if node.op_type == "MatMul":
        return 2.0 * prod(shapes[node.output[0]]) * shapes[node.input[0]][-1]
    if node.op_type == "Gemm":
        turned = any(each.name == "transA" and each.i for each in node.attribute)
        return 2.0 * prod(shapes[node.output[0]]) * shapes[node.input[0]][0 if turned else -1]
    return 0.0


def _of_one_tile(told: onnx.ValueInfoProto) -> tuple[int, ...]:
    return tuple(axis.dim_value or 1 for axis in told.type.tensor_type.shape.dim)
