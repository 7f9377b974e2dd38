"""The graph for the device says what the host's decoder says, on anything a model may answer; scenes come out the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from onnx import TensorProto, helper

from appliance.contracts.errors import Code, VedetteError
from appliance.contracts.model_package import Manifest
from appliance.formats import model_package
from appliance.inference.backends.onnxruntime import OnnxRuntimeBackend
from appliance.inference.graphs import on_device
from appliance.inference.normalise import normaliser
from appliance.inference.options import PredictOptions, SceneSource
from appliance.inference.predict import predict_scene
from appliance.vision.candidates import Candidates
from appliance.vision.decode import decoder
from tests.inference import models, scenes

_PIXELS = 2e-4
"""How far boxes may lie apart: float32 corners of a tile of 512 pixels."""


def passing_through(shapes: dict[str, tuple[int, ...]], tile: int = 64) -> onnx.ModelProto:
    """A graph whose outputs are further inputs, so that a test says what the model answers."""
    tiles = helper.make_tensor_value_info("tiles", TensorProto.UINT8, ["n", tile, tile, 3])
    kinds = {name: TensorProto.INT64 if name == "classes" else TensorProto.FLOAT for name in shapes}
    given = [helper.make_tensor_value_info(f"{name}_", kinds[name], ["n", *shape]) for name, shape in shapes.items()]
    told = [helper.make_tensor_value_info(name, kinds[name], ["n", *shape]) for name, shape in shapes.items()]
    nodes = [helper.make_node("Identity", [f"{name}_"], [name]) for name in shapes]
    graph = helper.make_graph(nodes, "through", [tiles, *given], told)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)


def session(model: onnx.ModelProto) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    return ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


class Head:
    """The two ways from one model's answers to candidates."""

    def __init__(self, kind: str, shapes: dict[str, tuple[int, ...]], maximum: int, stride: int = 4) -> None:
        before = models.manifest(
            decode={"kind": kind, "maximum_per_tile": maximum, "stride": stride}, input={"tile_size": 64, "halo": 8}
        )
        model, self.manifest = on_device.derive(passing_through(shapes), before)
        onnx.checker.check_model(model, full_check=True)
        self.names = [output.name for output in model.graph.output]
        self._session = session(model)
        self._host, self._device = decoder(before.decode), decoder(self.manifest.decode)

    def on_host(self, answers: dict[str, NDArray[Any]], threshold: float) -> Candidates:
        return sorted_(self._host(answers, threshold))

    def on_device(self, answers: dict[str, NDArray[Any]], threshold: float) -> Candidates:
        tiles = np.zeros((len(next(iter(answers.values()))), 64, 64, 3), np.uint8)
        told = self._session.run(self.names, {"tiles": tiles, **{f"{name}_": array for name, array in answers.items()}})
        return sorted_(self._device(dict(zip(self.names, told, strict=True)), threshold))


def sorted_(found: Candidates) -> Candidates:
    keys = [*(np.round(found.boxes[:, axis], 1) for axis in range(5)), found.scores, found.classes, found.tile]
    return found.take(np.lexsort(keys))


def same(host: Candidates, device: Candidates) -> None:
    assert len(host) == len(device)
    np.testing.assert_array_equal(host.tile, device.tile)
    np.testing.assert_array_equal(host.scores, device.scores)
    np.testing.assert_array_equal(host.classes, device.classes)
    np.testing.assert_allclose(device.boxes, host.boxes, atol=_PIXELS, rtol=0)


_CENTRES = {maximum: Head("centre", {"heatmap": (2, 8, 9), "size": (2, 8, 9), "offset": (2, 8, 9)}, maximum)
            for maximum in (5, 1000)}  # fmt: skip


@settings(max_examples=60)
@given(st.integers(0, 2**32 - 1), st.integers(1, 3), st.sampled_from([2, 5, 1000]), st.sampled_from([5, 1000]),
       st.sampled_from([0.0, 0.3, 1.0]))  # fmt: skip
@example(seed=0, tiles=1, levels=1, maximum=5, threshold=0.0)
def test_centres_are_found_as_on_the_host(seed: int, tiles: int, levels: int, maximum: int, threshold: float) -> None:
    """Few levels make equal neighbours and equal scores at the cut; a maximum of five makes over-full tiles."""
    random = np.random.default_rng(seed)
    answers = {
        "heatmap": (random.integers(0, levels + 1, (tiles, 2, 8, 9)) / levels).astype(np.float32),
        "size": random.uniform(0.5, 40, (tiles, 2, 8, 9)).astype(np.float32),
        "offset": random.uniform(0, 1, (tiles, 2, 8, 9)).astype(np.float32),
    }
    answers["heatmap"][random.random(answers["heatmap"].shape) < random.choice([0, 0.9])] = 0
    answers["heatmap"][random.random(answers["heatmap"].shape) < 0.05] = (
        1e-7  # of a sparse map: a peak too low to count
    )
    head = _CENTRES[maximum]
    assert head.manifest.decode.kind == "boxes"
    same(head.on_host(answers, threshold), head.on_device(answers, threshold))


def test_a_crowded_tile_of_full_size_stays_within_the_tolerance() -> None:
    planes = {"heatmap": (3, 128, 128), "size": (2, 128, 128), "offset": (2, 128, 128)}
    random = np.random.default_rng(8)
    answers = {name: random.uniform(0.01, 1, (2, *shape)).astype(np.float32) for name, shape in planes.items()}
    answers["size"] *= 500
    head = Head("centre", planes, 300)
    found = head.on_host(answers, 0.2)
    assert len(found) == 600
    assert found.boxes[:, :2].max() > 500
    same(found, head.on_device(answers, 0.2))


_SHAPES = {
    "boxes": {"boxes": (40, 4), "scores": (40,), "classes": (40,)},
    "rotated-boxes": {"boxes": (40, 5), "scores": (40,), "classes": (40,)},
    "instance-masks": {"boxes": (40, 4), "scores": (40,), "classes": (40,), "masks": (40, 6, 5)},
}
_HEADS = {kind: Head(kind, shapes, 7) for kind, shapes in _SHAPES.items()}


@settings(max_examples=30)
@given(st.sampled_from(sorted(_HEADS)), st.integers(0, 2**32 - 1), st.integers(1, 3), st.sampled_from([2, 10**6]))
def test_the_best_are_those_the_host_takes(kind: str, seed: int, tiles: int, levels: int) -> None:
    random = np.random.default_rng(seed)
    corners = np.sort(random.uniform(0, 64, (tiles, 40, 2, 2)), axis=2).reshape(tiles, 40, 4)
    turned = np.concatenate([corners, random.uniform(-180, 180, (tiles, 40, 1))], axis=2)
    answers = {
        "boxes": (turned if kind == "rotated-boxes" else corners).astype(np.float32),
        "scores": (random.integers(0, levels + 1, (tiles, 40)) / levels).astype(np.float32),
        "classes": random.integers(0, 5, (tiles, 40)),
    }
    if kind == "instance-masks":
        answers["masks"] = random.uniform(0, 1, (tiles, 40, 6, 5)).astype(np.float32)
    host, device = _HEADS[kind].on_host(answers, 0.4), _HEADS[kind].on_device(answers, 0.4)
    same(host, device)
    assert (host.outlines is None) == (device.outlines is None)
    if host.outlines is not None and device.outlines is not None:
        np.testing.assert_allclose(device.outlines.points, host.outlines.points, atol=_PIXELS)


@pytest.mark.parametrize("strange", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("kind", ["boxes", "centre"])
def test_a_score_that_is_no_number_is_not_hidden_behind_better_ones(kind: str, strange: float) -> None:
    head = _CENTRES[5] if kind == "centre" else _HEADS[kind]
    shapes = dict.fromkeys(("heatmap", "size", "offset"), (2, 8, 9)) if kind == "centre" else _SHAPES[kind]
    answers: dict[str, NDArray[Any]] = {name: np.ones((2, *shape), np.float32) for name, shape in shapes.items()}
    answers |= {"classes": np.ones((2, 40), np.int64)} if kind == "boxes" else {}
    answers["heatmap" if kind == "centre" else "scores"][1].flat[-1] = strange
    for ask in (head.on_host, head.on_device):
        with pytest.raises(VedetteError, match="not numbers"):
            ask(answers, 0.4)


@pytest.mark.parametrize("layout", ["nhwc", "nchw"])
def test_tiles_are_normalised_bit_for_bit_as_on_the_host(layout: str) -> None:
    source = {"dtype": "float32", "layout": layout, "tile_size": 32, "halo": 4}
    source["normalisation"] = {"where": "host", "scale": 1 / 255, "mean": [0.485, 0.456, 0.406],
                               "standard_deviation": [0.229, 0.224, 0.225]}  # fmt: skip
    shape = [32, 32, 3] if layout == "nhwc" else [3, 32, 32]
    card = models.manifest(input=source)
    flat = helper.make_tensor_value_info("tiles", TensorProto.FLOAT, ["n", *shape])
    told = [helper.make_tensor_value_info("seen", TensorProto.FLOAT, ["n", *shape]), *few_boxes()]
    nodes = [helper.make_node("Identity", ["tiles"], ["seen"]), *constant_boxes()]
    graph = helper.make_graph(nodes, "seen", [flat], told)
    before = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    model, manifest = on_device.derive(before, card)
    assert manifest.input.normalisation.where == "graph"
    raw = np.random.default_rng(4).integers(0, 65536, (2, *shape)).astype(np.float32)
    expected = raw.copy()
    normaliser(card.input)(expected)
    seen = session(model).run(["seen"], {manifest.input.name: raw})[0]
    np.testing.assert_array_equal(seen, expected)


def few_boxes() -> list[onnx.ValueInfoProto]:
    return [
        helper.make_tensor_value_info("boxes", TensorProto.FLOAT, [1, 3, 4]),
        helper.make_tensor_value_info("scores", TensorProto.FLOAT, [1, 3]),
        helper.make_tensor_value_info("classes", TensorProto.INT64, [1, 3]),
    ]


def constant_boxes() -> list[onnx.NodeProto]:
    arrays = {"boxes": np.zeros((1, 3, 4), np.float32), "scores": np.zeros((1, 3), np.float32),
              "classes": np.zeros((1, 3), np.int64)}  # fmt: skip
    return [
        helper.make_node("Constant", [], [name], value=onnx.numpy_helper.from_array(array))
        for name, array in arrays.items()
    ]


def test_a_scene_comes_out_the_same_and_little_leaves_the_graph(tmp_path: Path) -> None:
    there = scenes.boxes(5, 500, 700, 250)
    path = scenes.write(tmp_path / "scene.tif", scenes.drawn(there, 500, 700))
    whole = models.write_package(tmp_path / "package")
    (tmp_path / "device").mkdir()
    thin = on_device.derived(whole, tmp_path / "device")
    assert thin.manifest.decode.kind == "boxes"
    tables, sizes = [], []
    for place, package in enumerate((whole, thin)):
        backend = OnnxRuntimeBackend(package.model_path, package.manifest, threads=2)
        out = tmp_path / f"{place}.parquet"
        scene = SceneSource(str(path), "scene.tif")
        summary = predict_scene(scene, package.manifest, backend, out, PredictOptions(batch_size=4))
        assert summary.detections > 50
        tables.append(np.array(scenes.rows(out)))
        tile = np.zeros((1, 128, 128, 3), np.uint8)
        sizes.append(sum(array.nbytes for array in backend.infer(tile).values()))
        backend.close()
    np.testing.assert_allclose(tables[1], tables[0], atol=_PIXELS)
    assert pq.read_table(tmp_path / "0.parquet").column_names == pq.read_table(tmp_path / "1.parquet").column_names
    assert sizes == [5 * 128 * 128 * 4, 1000 * (4 * 4 + 4 + 8)]


def test_the_same_package_always_becomes_the_same_bytes_and_remains_itself(tmp_path: Path) -> None:
    """An engine is kept by the digest of its graph, and a model is kept warm by that of its package."""
    whole = models.write_package(tmp_path / "package")
    places = [tmp_path / "one", tmp_path / "two"]
    for place in places:
        place.mkdir()
    made = [on_device.derived(whole, place) for place in places]
    assert made[0].model_path.read_bytes() == made[1].model_path.read_bytes() != whole.model_path.read_bytes()
    assert (made[0].digest, made[0].precision) == (whole.digest, whole.precision)
    assert model_package.read(whole.folder) == whole, "what it was made of is left alone"


def test_a_graph_that_has_chosen_already_is_left_alone(tmp_path: Path) -> None:
    crowns = model_package.read(Path(__file__).parents[3] / "demo" / "tree-crowns")
    assert on_device.derived(crowns, tmp_path) is crowns
    assert not list(tmp_path.iterdir())


def _broken(package: model_package.ModelPackage, how: str) -> Manifest:
    manifest = package.manifest
    if how == "input":
        return manifest.model_copy(update={"input": manifest.input.model_copy(update={"name": "pictures"})})
    changes = {"maximum_per_tile": 4000} if how == "crowd" else {"outputs": {"heatmap": "heat"}}
    head = manifest.decode.model_copy(update=changes)
    return manifest.model_copy(update={"decode": head})


@pytest.mark.parametrize(("how", "said"), [("input", "no input pictures"), ("output", "no output heat"),
                                           ("opset", "opset 11"), ("file", "no ONNX model"),
                                           ("crowd", "may say 4000 objects a tile; 3840 can be sorted")])  # fmt: skip
def test_a_graph_that_cannot_be_changed_is_refused_in_a_sentence(tmp_path: Path, how: str, said: str) -> None:
    package = models.write_package(tmp_path / "package")
    if how == "opset":
        model = onnx.load(str(package.model_path))
        model.opset_import[0].version = 11
        onnx.save(model, str(package.model_path))
    elif how == "file":
        package.model_path.write_bytes(b"no graph at all")
    else:
        model_package.write(package.folder, _broken(package, how), {}, "# Blobs\n")
    with pytest.raises(VedetteError, match=said) as refused:
        on_device.derived(model_package.read(package.folder), tmp_path / "device")
    assert refused.value.reason.code is Code.MODEL_PACKAGE
    assert "\n" not in str(refused.value)
