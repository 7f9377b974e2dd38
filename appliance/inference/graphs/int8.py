"""A graph whose network computes in eight bits, by explicit Q/DQ pairs. Called by optimise_candidates.py.

Calibration and quantisation are those of `onnxruntime.quantization`; here is what is quantised and how: the inner layers
(anatomy.py) with what lies between them, weights by channel and symmetric, activations by tensor. The range of a tensor
is that of all but one in a hundred thousand of its values on the calibration tiles: one bright outlier would
else cost everything beside it a bit.
"""

from __future__ import annotations

import contextlib
import io
import logging
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import onnx
from numpy.typing import NDArray
from onnxruntime import quantization
from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType

from appliance.contracts.errors import Code, VedetteError
from appliance.inference.graphs import anatomy

_BETWEEN = frozenset({"Add", "Clip", "Relu", "LeakyRelu", "MaxPool", "AveragePool", "Resize", "Concat"})
"""What stays in eight bits between two layers; anything else goes through float."""
_ACTIVATIONS = frozenset({"Clip", "Relu", "LeakyRelu"})
_KINDS = sorted(anatomy.WEIGHTED | _BETWEEN)
_PERCENTILE = 99.999
_TILES_AT_ONCE = 4
_LEAST_OPSET = 13
_PREPARED = "onnx.quant.pre_process"


@dataclass(frozen=True)
class Calibrated:
    """A model whose tensors' ranges are known, in a working folder. `layers` are those with weights that can be
    quantised, by name, in the graph's order; `heads` the tensors that the network says."""

    model: onnx.ModelProto
    folder: Path
    layers: tuple[str, ...]
    heads: tuple[str, ...]

    @property
    def ranges(self) -> Path:
        return self.folder / "ranges.json"


def calibrate(
    source: Path, tiles: NDArray[Any], folder: Path, told: Callable[[float], None] = lambda _: None
) -> Calibrated:
    """Run the float model over the tiles (n, ...) and note the range of every tensor. `told` is given the share done.

    Raises VedetteError(MODEL_PACKAGE) for a model that cannot be quantised; whatever `told` raises.
    """
    model = anatomy.load(source)
    found = anatomy.examine(model)
    _refuse_old(source, model)
    nodes = {node.name: node for node in model.graph.node}
    layers = tuple(name for name in found.inner if nodes[name].op_type in anatomy.WEIGHTED)
    heads = tuple(nodes[name].output[0] for name in sorted(found.heads))
    onnx.helper.set_model_props(model, {_PREPARED: "vedette"})
    onnx.save(model, str(folder / "prepared.onnx"))
    known = Calibrated(model, folder, layers, heads)
    with _named(source), _quiet():
        calibrator = quantization.create_calibrator(
            str(folder / "prepared.onnx"),
            _KINDS,
            augmented_model_path=str(folder / "augmented.onnx"),
            calibrate_method=CalibrationMethod.Percentile,
            extra_options={"percentile": _PERCENTILE, "symmetric": False},
        )
    for start in range(0, len(tiles), _TILES_AT_ONCE):
        told(start / len(tiles))
        with _named(source), _quiet():
            calibrator.collect_data(_Tiles(model.graph.input[0].name, tiles[start : start + _TILES_AT_ONCE]))
    with _named(source), _quiet():
        quantization.save_tensors_data(calibrator.compute_data(), known.ranges)
    return known


def quantise(known: Calibrated, target: Path, in_float: Collection[str] = (), symmetric: bool = False) -> None:
    """Write the model with every layer in eight bits but those named. `symmetric`: signed activations around zero, as
    TensorRT takes them; else unsigned ones, which processors multiply faster."""
    chosen = _lowered(known.model, set(in_float))
    with _named(target), _quiet():
        quantization.quantize_static(
            str(known.folder / "prepared.onnx"),
            str(target),
            None,
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=_KINDS,
            per_channel=True,
            activation_type=QuantType.QInt8 if symmetric else QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            nodes_to_quantize=chosen,
            calibrate_method=CalibrationMethod.Percentile,
            calibration_cache_path=known.ranges,
            extra_options={"ActivationSymmetric": symmetric, "WeightSymmetric": True},
        )
        made = onnx.load(str(target))
        del made.metadata_props[:]
        onnx.checker.check_model(made, full_check=True)
        onnx.save(made, str(target))


def _lowered(model: onnx.ModelProto, in_float: set[str]) -> list[str]:
    """Names of the nodes to quantise. An activation goes with the layer before it: what a layer says before it is clipped
    has a range many times as wide, and is only kept to itself where both are one in eight bits."""
    inner = set(anatomy.examine(model).inner)
    source = {name: node.name for node in model.graph.node for name in node.output}
    chosen: dict[str, None] = {}
    for node in model.graph.node:
        if node.name not in inner or node.name in in_float or node.op_type not in _KINDS:
            continue
        if node.op_type not in _ACTIVATIONS or source.get(node.input[0]) in chosen:
            chosen[node.name] = None
    return list(chosen)


class _Tiles(quantization.CalibrationDataReader):  # type: ignore[misc]
    """One tile at a time: every tensor of the graph is kept for each."""

    def __init__(self, name: str, tiles: NDArray[Any]) -> None:
        self._name, self._left = name, iter(tiles)

    def get_next(self) -> dict[str, NDArray[Any]] | None:
        tile = next(self._left, None)
        return None if tile is None else {self._name: tile[None]}


def _refuse_old(source: Path, model: onnx.ModelProto) -> None:
    version = next((each.version for each in model.opset_import if each.domain in ("", "ai.onnx")), 0)
    if version < _LEAST_OPSET:
        raise VedetteError(
            Code.MODEL_PACKAGE,
            f"{source} uses opset {version}, which has no quantisation by channel.",
            f"Export it with opset {_LEAST_OPSET} or later.",
        )


@contextlib.contextmanager
def _named(path: Path) -> Iterator[None]:
    """The quantiser's errors share no class."""
    try:
        yield
    except VedetteError:
        raise
    except Exception as error:
        reason = " ".join(str(error).split())[:300]
        raise VedetteError(
            Code.MODEL_PACKAGE, f"{path.name} cannot be quantised: {reason}.", "Serve it as it is."
        ) from error


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """The quantiser prints to standard output and logs its defaults; neither is ours to say."""
    root = logging.getLogger()
    before = root.level
    root.setLevel(logging.ERROR)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        root.setLevel(before)
