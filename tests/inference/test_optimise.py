"""`vedette detector optimise`: variants that hold are kept with their figures, the others refused, and nothing is left of those."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import onnx
import pytest

from appliance.cli import main
from appliance.contracts.errors import Code, VedetteError
from appliance.contracts.model_package import METRICS_FILE, Precision
from appliance.contracts.snapshot import PixelWindow
from appliance.formats import model_package, snapshot
from appliance.inference import plan, reader, scene, worker_precision
from appliance.inference.backends import catalogue
from appliance.inference.options import PredictOptions, SceneSource
from appliance.inference.worker_precision import Wanted
from tests.inference import networks
from tests.servers import private_environment

FREE = ["--min-speedup", "0"]
"""Layers of one pixel gain nothing: what such a variant gains is no matter here."""


@dataclass(frozen=True)
class Bench:
    folder: Path

    @property
    def plain(self) -> Path:
        return self.folder / "plain"

    @property
    def delicate(self) -> Path:
        return self.folder / "delicate"

    def snapshot(self, name: str) -> Path:
        return self.folder / name


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    folder = tmp_path_factory.mktemp("optimise")
    networks.write_package(folder / "plain")
    networks.write_package(folder / "delicate", gain=3000.0)
    for seed, name in enumerate(("train", "validation", "test")):
        networks.write_snapshot(folder / name, seed)
    return Bench(folder)


def optimise(bench: Bench, package: Path, out: Path, *extra: str) -> int:
    measured = ["--snapshot", str(bench.snapshot("test"))]
    return main.run(["detector", "optimise", str(package), *measured, "-o", str(out), *extra])


def on(bench: Bench, *names: str) -> list[str]:
    options = {"train": "--calibration", "validation": "--validation"}
    return [word for name in names for word in (options[name], str(bench.snapshot(name)))]


def nothing_in(folder: Path) -> bool:
    return not list(folder.iterdir())


def test_int8_that_holds_is_kept_with_its_figures(
    bench: Bench, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    given = ["--precision", "int8", *FREE, *on(bench, "train", "validation"), "--json"]
    assert optimise(bench, bench.plain, out, *given) == 0
    told = json.loads(capsys.readouterr().out)
    before, after = model_package.read(bench.plain), model_package.read(out, told["digest"])
    variant = after.manifest.variant(Precision.INT8)
    assert variant is not None
    assert (variant.metric, variant.loss, variant.value) == ("f1@0.4", 0.0, 1.0)
    assert variant.speed_up > 0
    assert variant.layers_in_float == []
    assert told["variant"]["speed_up"] == variant.speed_up
    assert after.manifest.version == "1.0.1"
    assert after.model_path.read_bytes() == before.model_path.read_bytes()
    assert json.loads((out / METRICS_FILE).read_text())["variants"]["int8"]["loss"] == 0.0
    assert "| int8 | f1@0.4 1.0000 | 0.0000 |" in (out / "MODEL_CARD.md").read_text()
    kinds = [node.op_type for node in onnx.load(str(out / variant.file)).graph.node]
    assert kinds.count("QuantizeLinear") >= networks.LAYERS


def test_the_running_point_of_a_variant_is_its_own(bench: Bench, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert optimise(bench, bench.plain, out, "--precision", "int8", *FREE, *on(bench, "train", "validation")) == 0
    package = model_package.read(out)
    served = package.at(Precision.INT8)
    assert served.model_path.name == "model.int8.onnx"
    assert served.manifest.running_point.chosen_on is not None
    assert served.manifest.running_point.threshold != package.manifest.running_point.threshold
    assert package.at(Precision.FP32).manifest.variants == []


def test_bands_of_one_precision_are_not_taken_for_those_of_another(bench: Bench, tmp_path: Path) -> None:
    """Without a validation snapshot the running point is the same, and still no checkpoint fits both."""
    out = tmp_path / "out"
    assert optimise(bench, bench.plain, out, "--precision", "fp16", *FREE) == 0
    package, held = model_package.read(out), snapshot.read(bench.snapshot("test"))
    source = SceneSource(str(held.scene_path(held.manifest.items[0].item_id)), "scene")
    prints = set()
    for served in (package.at(Precision.FP32), package.at(Precision.FP16)):
        assert served.manifest.running_point.threshold == 0.5
        opened = scene.open_scene(source, served.manifest)
        layout = reader.layout_of(opened, reader.strip_type(opened, served.manifest.input))
        prints.add(plan.make(opened, served.manifest, PredictOptions(), layout).fingerprint)
    assert len(prints) == 2


def test_half_holds_and_both_stand_side_by_side(
    bench: Bench, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    assert optimise(bench, bench.plain, first, "--precision", "fp16", *FREE) == 0
    assert optimise(bench, first, second, "--precision", "int8", *FREE, *on(bench, "train")) == 0
    package = model_package.read(second)
    assert [each.precision for each in package.manifest.variants] == ["fp16", "int8"]
    assert package.manifest.version == "1.0.2"
    capsys.readouterr()
    for precision in ("fp32", "fp16", "int8"):
        asked = ["--snapshot", str(bench.snapshot("test")), "--precision", precision, "--json"]
        assert main.run(["evaluate", "-d", str(second), *asked]) == 0
        assert json.loads(capsys.readouterr().out)["figures"]["f1@0.4"] == 1.0


def test_a_variant_is_measured_on_the_backend_that_is_named_and_says_so(bench: Bench, tmp_path: Path) -> None:
    out = tmp_path / "out"
    given = ["--precision", "int8", *FREE, *on(bench, "train", "validation"), "--backend", "openvino"]
    assert optimise(bench, bench.plain, out, *given) == 0
    (variant,) = model_package.read(out).manifest.variants
    assert (variant.backend, variant.loss, variant.layers_in_float) == ("openvino", 0.0, [])
    assert worker_precision.choose(model_package.read(out).manifest, Wanted("int8", catalogue.able("openvino")))[1] == [
        "Computed in int8: f1@0.4 +0.0000 against fp32 when it was measured, on openvino."
    ]


def test_layers_that_eight_bits_ruin_are_left_in_float(bench: Bench, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert optimise(bench, bench.delicate, out, "--precision", "int8", *FREE, *on(bench, "train", "validation")) == 0
    variant = model_package.read(out).manifest.variants[0]
    assert {"inner4", "inner5", "inner6"} <= set(variant.layers_in_float)
    assert len(variant.layers_in_float) < networks.LAYERS
    assert variant.loss == 0.0


def test_a_loss_above_the_limit_is_refused_with_the_figures(
    bench: Bench, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without a validation snapshot nothing tells which layers to leave out."""
    given = ["--precision", "int8", *FREE, *on(bench, "train")]
    assert optimise(bench, bench.delicate, tmp_path / "out", *given) == 2
    error = capsys.readouterr().err
    assert "a loss of at most 0.005 is allowed" in error
    assert "f1@0.4 1.0000 -> 0.0000 (loss 1.0000)" in error
    assert nothing_in(tmp_path)


def test_a_variant_that_is_too_slow_is_refused(
    bench: Bench, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["--precision", "fp16", "--min-speedup", "1000"]
    assert optimise(bench, bench.plain, tmp_path / "out", *given) == 2
    assert "at least 1000 times the speed is asked for: fp16: f1@0.4 1.0000 -> 1.0000" in capsys.readouterr().err
    assert nothing_in(tmp_path)


def test_values_that_half_cannot_hold_stay_in_float(bench: Bench, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert optimise(bench, bench.delicate, out, "--precision", "fp16", *FREE) == 0
    variant = model_package.read(out).manifest.variants[0]
    assert variant.layers_in_float == ["inner5", "inner6"]
    assert variant.loss == 0.0


def test_what_is_no_number_is_refused(bench: Bench, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    package = networks.write_package(tmp_path / "broken")
    onnx.save(networks.model(said=float("nan")), package.model_path)
    assert optimise(bench, package.folder, tmp_path / "out", "--precision", "fp16", *FREE) == 2
    assert "In fp16 the model gives heatmap, offset, size that are not numbers" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--precision", "int8"], "int8 needs tiles to calibrate on."),
        (["--precision", "int8", "--calibration", "test"], "that --calibration test also holds"),
        (["--precision", "fp16", "--validation", "test"], "that --validation test also holds"),
        (["--precision", "int8", "--calibration", "small"], "No tile of 128 pixels with data lies inside"),
        (["--precision", "int8", "--calibration", "grey"], "has no band red"),
        (["--precision", "int8", "--calibration", "nowhere"], "nowhere is not a snapshot."),
        (["--precision", "fp16", "--snapshot", "unlabelled"], "unlabelled holds no annotations"),
        (["--precision", "fp16", "--backend", "abacus"], "There is no backend abacus."),
        (["--precision", "fp16", "--backend", "tensorrt"], "The backend tensorrt cannot run here"),
        (["--precision", "fp16", "--metric", "beauty"], "beauty is no metric."),
        (["--precision", "fp16", "-o", "train"], "train is there already."),
        (["--precision", "fp16", "-o", "no/out"], "The folder no does not exist."),
    ],
)
def test_what_cannot_be_done_is_said_in_one_sentence(
    bench: Bench,
    arguments: list[str],
    sentence: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(bench.folder)
    if not (bench.folder / "small").exists():
        networks.write_snapshot(bench.folder / "small", 5, (PixelWindow(x=0, y=0, width=100, height=100),))
        networks.write_snapshot(bench.folder / "grey", 6, bands=2)
        networks.write_snapshot(bench.folder / "unlabelled", 7, (PixelWindow(x=0, y=0, width=5, height=5),))
    before = sorted(bench.folder.iterdir())
    given = arguments if "-o" in arguments else [*arguments, "-o", "out"]
    measured = [] if "--snapshot" in arguments else ["--snapshot", "test"]
    assert main.run(["detector", "optimise", "plain", *measured, *given]) == 2
    assert sentence in capsys.readouterr().err
    assert sorted(bench.folder.iterdir()) == before


def test_what_is_lowered_already_is_not_lowered_again(
    bench: Bench, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for precision, sentence in (("fp16", "computes in half precision already"), ("int8", "is quantised already")):
        made = tmp_path / precision
        assert optimise(bench, bench.plain, made, "--precision", precision, *FREE, *on(bench, "train")) == 0
        networks.write_package(tmp_path / "again")
        (made / f"model.{precision}.onnx").rename(tmp_path / "again" / "model.onnx")
        assert optimise(bench, tmp_path / "again", tmp_path / "out", "--precision", precision, *on(bench, "train")) == 2
        assert sentence in capsys.readouterr().err


def test_an_opset_without_quantisation_by_channel_is_refused(
    bench: Bench, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    package = networks.write_package(tmp_path / "old")
    onnx.save(networks.model(opset=11), package.model_path)
    assert optimise(bench, package.folder, tmp_path / "out", "--precision", "int8", *on(bench, "train")) == 2
    assert "uses opset 11, which has no quantisation by channel" in capsys.readouterr().err


def test_ctrl_c_leaves_nothing(bench: Bench, tmp_path: Path) -> None:
    words = ["detector", "optimise", str(bench.plain), "--snapshot", str(bench.snapshot("test"))]
    words += ["--precision", "int8", *on(bench, "train", "validation"), "-o", str(tmp_path / "out")]
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    environment = {**private_environment(), "TMPDIR": str(temporary)}
    command = [sys.executable, "-m", "appliance.cli.main", *words]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as process:
        try:
            assert process.stderr is not None
            seen = ""
            while "calibrate" not in seen:
                line = process.stderr.readline()
                assert line, seen
                seen += line
            os.kill(process.pid, signal.SIGINT)
            told = process.stderr.read()
            assert process.wait(120) == 130
        finally:
            if process.poll() is None:
                process.kill()
    assert "Interrupted; nothing was written." in told
    # ONNX Runtime leaves a file of its own there as soon as it is imported.
    assert [each.name for each in temporary.iterdir() if each.name != ".ses"] == []
    assert [each.name for each in tmp_path.iterdir()] == ["temporary"]


def test_a_variant_that_was_changed_is_noticed(bench: Bench, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert optimise(bench, bench.plain, out, "--precision", "fp16", *FREE) == 0
    digest = model_package.read(out).digest
    (out / "model.fp16.onnx").write_bytes((out / "model.onnx").read_bytes())
    with pytest.raises(VedetteError, match="not the file that was measured") as refused:
        model_package.read(out, digest)
    assert refused.value.reason.code is Code.DIGEST
    (out / "model.fp16.onnx").unlink()
    with pytest.raises(VedetteError, match=r"lacks model\.fp16\.onnx"):
        model_package.read(out)


def test_a_package_without_variants_keeps_the_digest_it_always_had() -> None:
    demo = Path(__file__).parents[2] / "demo" / "tree-crowns"
    package = model_package.read(demo)
    assert package.manifest.variants == []
    assert package.at(Precision.FP32).model_path == demo / "model.onnx"
    with pytest.raises(VedetteError, match="has no int8 variant"):
        package.at(Precision.INT8)
