"""`vedette predict` as it is typed."""

from __future__ import annotations

import json
from pathlib import Path

import pyogrio
import pytest
from PIL import Image

from appliance.cli.main import run
from appliance.contracts.model_package import Precision, RunningPoint, Variant
from appliance.formats import digest, model_package
from tests.inference import scenes
from tests.inference.models import write_package

_THERE = [(x, y, 11, 11) for x in range(10, 280, 40) for y in range(10, 280, 40)]


@pytest.fixture
def scene(tmp_path: Path) -> Path:
    return scenes.write(tmp_path / "scene.tif", scenes.drawn(_THERE, 300, 300))


@pytest.fixture
def package(tmp_path: Path) -> Path:
    return write_package(tmp_path / "package").folder


@pytest.mark.parametrize("suffix", ["geojson", "gpkg", "fgb", "parquet"])
def test_every_format_holds_every_object_where_it_lies(
    scene: Path, package: Path, suffix: str, capsys: pytest.CaptureFixture[str]
) -> None:
    out, preview = scene.parent / f"out.{suffix}", scene.parent / "view.png"
    assert run(["predict", str(scene), "-d", str(package), "-o", str(out), "--preview", str(preview)]) == 0
    assert f"{len(_THERE)} detections" in capsys.readouterr().out
    with Image.open(preview) as picture:
        assert picture.size == (1200, 1200)
    if suffix != "parquet":
        info = pyogrio.read_info(out)
        assert info["features"] == len(_THERE)
        west, south, east, north = pyogrio.read_bounds(out)[1].T[0]
        assert -82.1 < west < east < -81.9
        assert 29.7 < south < north < 29.9
    assert not list(scene.parent.glob("*.partial*"))


def test_several_scenes_get_a_file_each_and_a_bad_one_does_not_stop_the_others(
    scene: Path, package: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = scene.parent / "bad.tif"
    bad.write_bytes(b"")
    out = scene.parent / "out.geojson"
    assert run(["predict", str(bad), str(scene), "-d", str(package), "-o", str(out), "--json"]) == 2
    captured = capsys.readouterr()
    line = json.loads(captured.out)
    assert line["detections"] == len(_THERE)
    assert len(json.loads((scene.parent / "out-scene.geojson").read_text())["features"]) == len(_THERE)
    assert captured.err.strip() == "vedette: bad.tif is empty. Copy the file again from where it came."


def test_a_variant_is_computed_at_its_own_running_point(
    scene: Path, package: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = scene.parent / "out.geojson"
    asked = ["predict", str(scene), "-d", str(package), "-o", str(out), "--precision", "int8", "--json"]
    assert run(asked) != 0
    assert "has no int8 variant" in capsys.readouterr().err
    plain = model_package.read(package)
    (package / "model.int8.onnx").write_bytes(plain.model_path.read_bytes())
    lower = Variant(
        precision=Precision.INT8, file="model.int8.onnx", digest=digest.of_file(plain.model_path), backend="onnxruntime",
        speed_up=2, metric="f1", value=0.9, loss=0, snapshot=plain.digest, running_point=RunningPoint(threshold=1),
    )  # fmt: skip
    model_package.write(package, plain.manifest.model_copy(update={"variants": [lower]}), {}, "# Package\n")
    assert run(asked) == 0
    assert json.loads(capsys.readouterr().out)["detections"] == 0
    assert run([*asked[:-3], "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["detections"] == len(_THERE)


def test_a_geofence_and_a_threshold_narrow_the_result(
    scene: Path, package: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, fence = scene.parent / "out.geojson", scene.parent / "fence.geojson"
    assert run(["predict", str(scene), "-d", str(package), "-o", str(out)]) == 0
    first = json.loads(out.read_text())["features"][0]
    fence.write_text(json.dumps({"type": "FeatureCollection", "features": [{**first, "properties": {}}]}))
    assert run(["predict", str(scene), "-d", str(package), "-o", str(out), "--geofence", str(fence)]) == 0
    assert len(json.loads(out.read_text())["features"]) == 1
    assert run(["predict", str(scene), "-d", str(package), "-o", str(out), "--threshold", "1"]) == 0
    assert json.loads(out.read_text())["features"] == []
    capsys.readouterr()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["nowhere.tif", "-o", "out.geojson"], "nowhere.tif is not a file."),
        (["scene.tif", "-o", "out.xyz"], "out.xyz is of a kind that is not written."),
        (["scene.tif", "-o", "no/out.fgb"], "The folder no does not exist."),
        (["scene.tif", "-o", "out.fgb", "--geofence", "scene.tif"], "scene.tif is not a vector file that can be read."),
        (["scene.tif", "-o", "out.fgb", "-d", "."], ". lacks manifest.yaml"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_sentence(
    scene: Path,
    package: Path,
    arguments: list[str],
    sentence: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(scene.parent)
    assert run(["predict", "-d", str(package), *arguments]) == 2
    assert sentence in capsys.readouterr().err
    assert not list(scene.parent.glob("*out*"))


@pytest.mark.parametrize("name", ["onnxruntime", "openvino"])
def test_the_backend_is_the_one_that_was_named(
    name: str, scene: Path, package: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = scene.parent / "out.geojson"
    assert run(["predict", str(scene), "-d", str(package), "-o", str(out), "--backend", name, "--json"]) == 0
    line = json.loads(capsys.readouterr().out)
    assert line["backend"].startswith(f"{name} (")
    assert line["detections"] == len(_THERE)
    assert 0 < line["model_idle_seconds"] <= line["seconds"]
    assert not [note for note in line["notes"] if "auto" in note]


def test_auto_says_what_it_chose(
    scene: Path, package: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(scene.parent / "cache"))
    out = scene.parent / "out.geojson"
    assert run(["predict", str(scene), "-d", str(package), "-o", str(out)]) == 0
    told = capsys.readouterr()
    assert "auto chose " in told.out + told.err
    assert len(list((scene.parent / "cache" / "vedette" / "backends").glob("*.json"))) == 1


def test_a_backend_that_there_is_not_is_refused(scene: Path, package: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = scene.parent / "out.geojson"
    assert run(["predict", str(scene), "-d", str(package), "-o", str(out), "--backend", "abacus"]) == 2
    assert "There is no backend abacus. Name one of auto, onnxruntime" in capsys.readouterr().err
    assert not out.exists()
