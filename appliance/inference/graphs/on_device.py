"""A package's graph with what the host does around it moved into it, so that any backend does it on its device.

Called by backends/fitting.py for every backend on a card, before it is opened or its engine is built; `make bench NAME=device`
measures it on the processor.
In front: the normalisation that a manifest leaves to the host. Behind: peaks, and the best `maximum_per_tile` of a tile in
place of whole maps or of all candidates (on_device_tail.py). What is left to the host is what needs more than one tile or
the scene: threshold, nodata, suppression, seams. Knows no backend.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import onnx
from onnx import TensorProto, compose, helper, parser, shape_inference

from appliance.contracts.errors import Code, VedetteError
from appliance.contracts.model_package import Manifest
from appliance.formats.model_package import ModelPackage
from appliance.inference.graphs import on_device_front as front_part
from appliance.inference.graphs import on_device_tail as tail
from appliance.vision.decode import ROLES

REVISION = 2
"""Goes up when the same package would become another graph: what was measured of the former counts no more."""

_EARLIEST_OPSET = 13
_MOST_CANDIDATES = 3840
"""That TensorRT sorts: the limit of its TopK."""


def derived(package: ModelPackage, folder: Path) -> ModelPackage:
    """The same package as a device runs it: its model file, in `folder`, and its manifest are others. Itself where nothing
    can be moved. The same package always becomes the same bytes, so that an engine of them is found again.

    Raises VedetteError(MODEL_PACKAGE) for a graph that cannot be changed: use the package as it is then.
    """
    model = _loaded(package.model_path)
    changed, manifest = derive(model, package.manifest)
    if manifest == package.manifest:
        return package
    made = replace(package, folder=folder, manifest=manifest)
    made.model_path.write_bytes(_serialised(changed, manifest))
    return made


def derive(model: onnx.ModelProto, manifest: Manifest) -> tuple[onnx.ModelProto, Manifest]:
    """As `derived`, of a model in memory. The manifest tells what the new graph takes and gives: head `centre` becomes `boxes`."""
    try:
        model = of_fixed_size(model, manifest)
        model, manifest = _prepared(model, manifest)
        return _thinned(model, manifest)
    except VedetteError:
        raise
    except Exception as error:  # onnx's and protobuf's errors share no class
        reason = " ".join(str(error).split())[:300] or type(error).__name__
        raise _unfit(f"of {manifest.name} cannot be moved to a device: {reason}.") from error


def of_fixed_size(model: onnx.ModelProto, manifest: Manifest) -> onnx.ModelProto:
    """A copy with the manifest's tile size, a batch axis N and the outputs' shapes inferred."""
    opset = _opset(model)
    if opset < _EARLIEST_OPSET:
        raise _unfit(f"of {manifest.name} is of opset {opset}: {_EARLIEST_OPSET} is needed to change it.")
    fixed = onnx.ModelProto()
    fixed.CopyFrom(model)
    source = manifest.input
    given = next((each for each in fixed.graph.input if each.name == source.name), None)
    if given is None:
        raise _unfit(f"of {manifest.name} has no input {source.name}.")
    shape = ("N", *source.tile_shape)
    given.CopyFrom(helper.make_tensor_value_info(source.name, given.type.tensor_type.elem_type, shape))
    for output in fixed.graph.output:
        output.type.tensor_type.ClearField("shape")
    del fixed.graph.value_info[:]
    return shape_inference.infer_shapes(fixed, data_prop=True, strict_mode=True)


def _prepared(model: onnx.ModelProto, manifest: Manifest) -> tuple[onnx.ModelProto, Manifest]:
    """With the host's share of the preparation in front."""
    source = manifest.input
    if source.normalisation.where == "graph":
        return model, manifest
    front = _parsed(front_part.prepared(source), model, "front_")
    joined = compose.merge_models(front, model, io_map=[("front_prepared", source.name)])
    return joined, _changed(manifest, input={"name": "front_tiles", "normalisation": {"where": "graph"}})


def _thinned(model: onnx.ModelProto, manifest: Manifest) -> tuple[onnx.ModelProto, Manifest]:
    """With the choice of candidates behind, where a tile's outputs are more than the maximum."""
    head = manifest.decode
    if head.maximum_per_tile > _MOST_CANDIDATES:
        raise _unfit(
            f"of {manifest.name} may say {head.maximum_per_tile} objects a tile; {_MOST_CANDIDATES} can be sorted."
        )
    names = {role: head.outputs.get(role, role) for role in ROLES[head.kind]}
    shapes = {role: _shape(model, name, manifest) for role, name in names.items()}
    if head.kind == "centre":
        text, _ = tail.centre(head, shapes["heatmap"])
        inputs, kind = {role: role for role in names}, "boxes"
    elif shapes["scores"][0] > head.maximum_per_tile:
        text, kind = tail.best(head, shapes), head.kind
        inputs = {role: f"{role}_all" for role in names}
    else:
        return model, manifest
    back = _parsed(text, model, "back_")
    joined = compose.merge_models(model, back, io_map=[(names[role], f"back_{own}") for role, own in inputs.items()])
    outputs = {role: f"back_{role}" for role in ROLES[kind]}
    return joined, _changed(manifest, decode={"kind": kind, "outputs": outputs})


def _parsed(text: str, beside: onnx.ModelProto, prefix: str) -> onnx.ModelProto:
    """A part of the same opset, its names set apart by the prefix."""
    header = f'<ir_version: {beside.ir_version}, opset_import: ["": {_opset(beside)}]>'
    return compose.add_prefix(parser.parse_model(f"{header} part {text}"), prefix)


def _shape(model: onnx.ModelProto, name: str, manifest: Manifest) -> tail.Shape:
    found = [output for output in model.graph.output if output.name == name]
    if not found:
        raise _unfit(f"of {manifest.name} has no output {name}.")
    axes = found[0].type.tensor_type.shape.dim[1:]
    if not axes or not all(axis.HasField("dim_value") for axis in axes):
        raise _unfit(f"of {manifest.name} does not tell the shape of its output {name}.")
    if found[0].type.tensor_type.elem_type not in (TensorProto.FLOAT, TensorProto.INT64):
        raise _unfit(f"of {manifest.name} gives {name} in a type that is not looked through here.")
    return tuple(axis.dim_value for axis in axes)


def _changed(manifest: Manifest, **parts: Mapping[str, object]) -> Manifest:
    document = manifest.model_dump(mode="json")
    return Manifest.model_validate(document | {name: document[name] | part for name, part in parts.items()})


def _opset(model: onnx.ModelProto) -> int:
    return max((entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")), default=0)


def _loaded(path: Path) -> onnx.ModelProto:
    try:
        return onnx.load(str(path))
    except Exception as error:  # protobuf's, onnx's and the system's errors share no class
        raise _unfit(f"{path} is no ONNX model.") from error


def _serialised(model: onnx.ModelProto, manifest: Manifest) -> bytes:
    try:
        data: bytes = model.SerializeToString(deterministic=True)
    except Exception as error:  # beyond 2 GiB; protobuf's errors share no class
        raise _unfit(f"of {manifest.name} is too large to be changed.") from error
    return data


def _unfit(what: str) -> VedetteError:
    return VedetteError(
        Code.MODEL_PACKAGE, f"The graph {what}", "The model runs as it is; export it anew to change that."
    )
