"""The package's graph as TensorRT's parser takes it: the same numbers, told with the operators and types it knows.

Called by compile.py. Knows ONNX and no TensorRT. Change PREPARATION with what this does: it is part of every key.

Two things of ONNX are missing there. Integer pixels may only be converted, never moved: the conversion is brought forward
to the input, which changes nothing as long as pixels are only moved before the graph converts them itself. Quantised
biases (int32 behind DequantizeLinear) are unknown: they are constants, and become what they stand for.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from appliance.contracts.errors import Code, VedetteError

PREPARATION = 1
_MOVES = {
    "Transpose",
    "Gather",
    "Slice",
    "Reshape",
    "Squeeze",
    "Unsqueeze",
    "Concat",
    "Split",
    "Identity",
    "Pad",
    "Flatten",
}
_ENDS = {"Cast", "Shape"}
_REMEDY = "Export the model again; ONNX Runtime serves it meanwhile."


def prepare(path: Path, input_name: str) -> bytes:
    """The serialised graph. Its input is uint8 as it was; uint16 becomes float32, which the caller must hand over.

    Raises VedetteError(MODEL_PACKAGE) when the file is no ONNX graph with that input, VedetteError(UNSUPPORTED) where it
    computes with integer pixels.
    """
    import onnx

    try:
        model = onnx.load(path)
    except Exception as error:  # protobuf's and onnx's own, unrelated classes
        raise VedetteError(Code.MODEL_PACKAGE, f"{path} is no ONNX graph.", _REMEDY) from error
    source = next((given for given in model.graph.input if given.name == input_name), None)
    if source is None:
        raise VedetteError(Code.MODEL_PACKAGE, f"{path} has no input {input_name}.", _REMEDY)
    if source.type.tensor_type.elem_type in (onnx.TensorProto.UINT8, onnx.TensorProto.UINT16):
        _convert_first(model.graph, source)
    _constant_biases(model.graph)
    # Types noted along the way are no longer true.
    del model.graph.value_info[:]
    text: bytes = model.SerializeToString()
    return text


def _convert_first(graph: Any, source: Any) -> None:
    from onnx import TensorProto, helper

    takers = [node for node in graph.node if source.name in node.input]
    wide = source.type.tensor_type.elem_type == TensorProto.UINT16
    if not wide and all(node.op_type == "Cast" for node in takers):
        return
    _refuse_integer_arithmetic(graph, source.name)
    real = f"{source.name}/as-float32"
    for node in takers:
        for place, name in enumerate(node.input):
            if name == source.name:
                node.input[place] = real
    if wide:
        source.type.tensor_type.elem_type = TensorProto.FLOAT
        graph.node.insert(0, helper.make_node("Identity", [source.name], [real], name="vedette/input"))
    else:
        graph.node.insert(
            0, helper.make_node("Cast", [source.name], [real], name="vedette/input", to=TensorProto.FLOAT)
        )


def _refuse_integer_arithmetic(graph: Any, name: str) -> None:
    """Follow the pixels until the graph converts them: nothing on the way may compute with them or hand them out."""
    pixels = {name}
    for node in graph.node:
        carried = [place for place, given in enumerate(node.input) if given in pixels]
        if not carried or node.op_type in _ENDS:
            continue
        if node.op_type not in _MOVES or (node.op_type in ("Gather", "Slice", "Reshape") and carried != [0]):
            raise VedetteError(
                Code.UNSUPPORTED,
                f"The model computes with integer pixels in '{node.name}' ({node.op_type}), which TensorRT cannot.",
                "Let the graph convert tiles to float32 before it computes; ONNX Runtime serves it meanwhile.",
            )
        pixels.update(node.output)
    if pixels & {output.name for output in graph.output}:
        raise VedetteError(Code.UNSUPPORTED, "The model hands out integer pixels, which TensorRT cannot.", _REMEDY)


def _constant_biases(graph: Any) -> None:
    from onnx import TensorProto, numpy_helper

    constants = {each.name: each for each in graph.initializer}
    kept = []
    for node in graph.node:
        bias, unit = (constants.get(name) for name in list(node.input)[:2]) if len(node.input) > 1 else (None, None)
        quantised = node.op_type == "DequantizeLinear" and bias is not None and bias.data_type == TensorProto.INT32
        if not quantised or bias is None or unit is None:
            kept.append(node)
            continue
        # ONNX allows no zero point but 0 for int32; a bias has one axis, so its scale broadcasts as it is.
        scale = numpy_helper.to_array(unit)
        value = (numpy_helper.to_array(bias).astype(np.float64) * scale).astype(scale.dtype)
        graph.initializer.append(numpy_helper.from_array(value, node.output[0]))
    del graph.node[:]
    graph.node.extend(kept)
