"""What runs on a card is the package with more in its graph: the same scenes come out, by whichever way the model is spoken to.

There is no card here: ONNX Runtime on the processor stands where its CUDA provider would, with the same graphs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import compose, parser

from appliance.contracts.errors import Code, VedetteError
from appliance.contracts.model_package import Precision
from appliance.formats import model_package
from appliance.formats.model_package import ModelPackage
from appliance.inference.backends import catalogue, choice, remembered
from appliance.inference.backends.base import Allowance, Backend
from appliance.inference.backends.catalogue import REFERENCE, Entry
from appliance.inference.backends.choice import Opened
from appliance.inference.backends.fitting import Fitting
from appliance.inference.backends.ranking import Measured
from appliance.inference.checkpoints import FolderCheckpoints
from appliance.inference.engines import obtain, opening, request
from appliance.inference.engines.obtain import Watch
from appliance.inference.engines.spec import Library
from appliance.inference.options import Hooks, PredictOptions, SceneSource
from appliance.inference.predict import predict_scene
from tests.inference import models, scenes
from tests.inference.backends.conftest import TWO_THREADS

CARD = "onnxruntime-cuda"


def reference() -> Entry:
    return catalogue.named(REFERENCE)


def card() -> Entry:
    return replace(reference(), name=CARD, device=True)


@pytest.fixture
def maps(tmp_path: Path) -> ModelPackage:
    """Answers with whole maps."""
    return models.write_package(tmp_path / "maps")


@pytest.fixture
def host(tmp_path: Path) -> ModelPackage:
    """The same, of float32 that the host is to normalise."""
    folder = tmp_path / "host"
    whole = models.write_package(folder)
    model = onnx.load(str(whole.model_path))
    text = """<ir_version: 8, opset_import: ["": 17]>
    front (float[n,h,w,c] normalised) => (uint8[n,h,w,c] pixels) {
      middle = Constant <value_float = 0.5> ()
      many = Constant <value_float = 255.0> ()
      spread = Mul (normalised, middle)
      level = Add (spread, middle)
      value = Mul (level, many)
      whole = Round (value)
      pixels = Cast <to = 2> (whole)
    }"""
    onnx.save(compose.merge_models(parser.parse_model(text), model, io_map=[("pixels", "tiles")]), whole.model_path)
    normalisation = {"where": "host", "scale": 1 / 255, "mean": [0.5], "standard_deviation": [0.5]}
    changes = {"name": "normalised", "dtype": "float32", "normalisation": normalisation}
    document = whole.manifest.model_dump(mode="json")
    manifest = type(whole.manifest).model_validate(document | {"input": document["input"] | changes})
    return model_package.write(folder, manifest, {}, "# Blobs\n")


@pytest.fixture
def scene(tmp_path: Path) -> SceneSource:
    there = scenes.boxes(5, 500, 700, 250)
    return SceneSource(str(scenes.write(tmp_path / "scene.tif", scenes.drawn(there, 500, 700))), "scene.tif")


def opened_on_card(package: ModelPackage, place: Path, entry: Entry | None = None) -> Opened:
    return choice._opened(entry or card(), Fitting(package, place), TWO_THREADS, "")


def rows(scene: SceneSource, opened: Opened, out: Path) -> np.ndarray:
    summary = predict_scene(scene, opened.package.manifest, opened.backend, out, PredictOptions(batch_size=4))
    assert summary.detections > 50
    return np.array(scenes.rows(out))


@pytest.mark.parametrize("which", ["maps", "host"])
def test_a_scene_comes_out_the_same_and_what_was_made_goes_with_the_backend(
    which: str, scene: SceneSource, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    package: ModelPackage = request.getfixturevalue(which)
    plain = choice.open_backend(REFERENCE, package, TWO_THREADS)
    assert plain.package is package
    place = tmp_path / "made"
    fitted = opened_on_card(package, place)
    assert (fitted.package.manifest.decode.kind, fitted.package.manifest.input.normalisation.where) == (
        "boxes",
        "graph",
    )
    assert fitted.package.model_path.is_relative_to(place)
    assert place.stat().st_mode & 0o077 == 0
    expected, found = rows(scene, plain, tmp_path / "plain.parquet"), rows(scene, fitted, tmp_path / "fitted.parquet")
    np.testing.assert_allclose(found, expected, atol=2e-4)
    for each in (plain, fitted):
        each.backend.close()
    assert list(place.iterdir()) == []


@pytest.mark.parametrize("which", ["maps", "host"])
def test_auto_measures_each_by_its_own_graph_and_sees_that_they_agree(
    which: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    fitting = Fitting(request.getfixturevalue(which), tmp_path / "made")
    measured = choice.recall([reference(), card()], fitting, TWO_THREADS, tmp_path / "kept")
    assert [(each.name, each.refusal) for each in measured] == [(REFERENCE, ""), (CARD, "")]
    fitting.close()


def test_auto_gives_the_package_of_what_it_chose(maps: ModelPackage, tmp_path: Path) -> None:
    able = [reference(), card()]
    for seconds, kind in ((0.1, "boxes"), (10.0, "centre")):
        fast = [Measured(name=REFERENCE, seconds=1.0), Measured(name=CARD, seconds=seconds)]
        remembered.save(tmp_path / "kept", choice.key_of(able, maps, TWO_THREADS), fast)
        opened = choice._automatic(able, Fitting(maps, tmp_path / "made"), TWO_THREADS, tmp_path / "kept")
        assert opened.package.manifest.decode.kind == kind
        assert opened.package.digest == maps.digest
        opened.backend.close()


def test_a_backend_that_cannot_run_what_was_made_runs_the_model_as_it_is_and_says_so(
    maps: ModelPackage, scene: SceneSource, tmp_path: Path
) -> None:
    def lacking(package: ModelPackage, allowance: Allowance) -> Backend:
        if package.manifest.decode.kind == "boxes":
            raise VedetteError(Code.UNSUPPORTED, "This library lacks TopK, which model.onnx uses.")
        return reference().open(package, allowance)

    opened = opened_on_card(maps, tmp_path / "made", replace(card(), open=lacking))
    assert opened.package is maps
    assert opened.backend.about.why == "The model runs as it is: This library lacks TopK, which model.onnx uses."
    rows(scene, opened, tmp_path / "out.parquet")
    opened.backend.close()


def _crowded(package: ModelPackage, _place: Path) -> str:
    head = package.manifest.decode.model_copy(update={"maximum_per_tile": 4000})
    model_package.write(package.folder, package.manifest.model_copy(update={"decode": head}), {}, "# Blobs\n")
    return "may say 4000 objects a tile"


def _unwritable(_package: ModelPackage, place: Path) -> str:
    place.write_text("")
    return "cannot be written"


@pytest.mark.parametrize("spoil", [_crowded, _unwritable])
def test_where_nothing_can_be_made_the_model_runs_as_it_is(
    spoil: Callable[[ModelPackage, Path], str], maps: ModelPackage, tmp_path: Path
) -> None:
    said = spoil(maps, tmp_path / "made")
    package = model_package.read(maps.folder)
    opened = opened_on_card(package, tmp_path / "made")
    assert opened.package is package
    assert opened.backend.about.why.startswith("The model runs as it is: ")
    assert said in opened.backend.about.why
    assert "\n" not in opened.backend.about.why
    opened.backend.close()


def test_a_run_goes_on_where_the_graph_does_more_but_not_with_another_package(
    maps: ModelPackage, scene: SceneSource, tmp_path: Path
) -> None:
    kept = FolderCheckpoints(tmp_path / "bands")
    bands = []

    def resumed(opened: Opened, digest: str) -> int:
        options = PredictOptions(batch_size=4, band_tile_rows=2, package=digest)
        out = tmp_path / "out.parquet"
        hooks = Hooks(checkpoints=kept)
        summary = predict_scene(scene, opened.package.manifest, opened.backend, out, options, hooks)
        bands.append(scenes.rows(out))
        opened.backend.close()
        return summary.resumed_at_band

    assert resumed(choice.open_backend(REFERENCE, maps, TWO_THREADS), maps.digest) == 0
    every = len(list((tmp_path / "bands").iterdir()))
    assert every > 1
    (tmp_path / "bands" / f"{every - 1:06d}.parquet").unlink()
    assert resumed(opened_on_card(maps, tmp_path / "made"), maps.digest) == every - 1
    np.testing.assert_allclose(np.array(bands[1]), np.array(bands[0]), atol=2e-4)
    other = "sha256:" + "b" * 64
    assert resumed(choice.open_backend(REFERENCE, maps, TWO_THREADS), other) == 0


def test_the_engine_that_is_built_is_the_one_that_is_looked_for(
    maps: ModelPackage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A real one, by TensorRT for RTX: of the graph that says boxes, found again by whoever makes that graph anew."""
    monkeypatch.setenv("VEDETTE_ENGINES", str(tmp_path / "engines"))
    asked = opening.asked_for(Library.RTX, Precision.FP32, TWO_THREADS)
    with Fitting(maps, tmp_path / "made") as fitting:
        assert opening.not_built(fitting.on_card, asked) != ""
        obtain.obtain(request.cache(), request.wish(fitting.on_card, asked), Watch())
    with Fitting(maps, tmp_path / "made") as fitting:
        assert opening.not_built(fitting.on_card, asked) == ""
        assert opening.not_built(maps, asked) != "", "the model as it is has none"
