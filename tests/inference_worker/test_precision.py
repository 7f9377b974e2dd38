"""In what precision a worker computes a run, against a real queue and a real store; and how that is decided."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest

from appliance.contracts.messages import RunFinished
from appliance.contracts.model_package import Precision, RunningPoint, Variant
from appliance.formats import digest, model_package
from appliance.formats.model_package import ModelPackage
from appliance.formats.snapshot import Snapshot
from appliance.inference import snapshot_tiles
from appliance.inference.graphs import int8
from appliance.inference.worker_precision import Wanted, choose
from tests.inference import models, networks
from tests.inference_worker.conftest import Bench

pytestmark = pytest.mark.timeout(180)

DIGEST = "sha256:" + "0" * 64
SQUARES = 49


def variant(precision: Literal[Precision.FP16, Precision.INT8], **changes: object) -> Variant:
    given = {
        "precision": precision,
        "file": f"model.{precision}.onnx",
        "digest": DIGEST,
        "backend": "onnxruntime",
        "speed_up": 2.0,
        "metric": "f1@0.4",
        "value": 0.99,
        "loss": 0.001,
        "snapshot": DIGEST,
        "running_point": RunningPoint(threshold=0.4),
        **changes,
    }
    return Variant.model_validate(given)


def with_int8(package: ModelPackage, content: bytes) -> ModelPackage:
    """The package with this file for its int8 variant, whatever it is."""
    lower = variant(Precision.INT8, digest=digest.of_bytes(content))
    (package.folder / lower.file).write_bytes(content)
    manifest = package.manifest.model_copy(update={"variants": [lower]})
    return model_package.write(package.folder, manifest, {}, "# Squares\n")


def quantised(package: ModelPackage, held: Snapshot, folder: Path) -> bytes:
    tiles = snapshot_tiles.read(held, package.manifest, 4)
    folder.mkdir()
    int8.quantise(int8.calibrate(package.model_path, tiles, folder), folder / "made.onnx")
    return (folder / "made.onnx").read_bytes()


@pytest.mark.parametrize(
    ("variants", "wanted", "precision", "note"),
    [
        ([], Wanted("auto", ("onnxruntime",)), "fp32", None),
        ([], Wanted("int8", ("onnxruntime",)), "fp32", "the model package has no int8 variant"),
        ([variant(Precision.INT8)], Wanted("fp32", ("onnxruntime",)), "fp32", None),
        ([variant(Precision.INT8)], Wanted("auto", ("onnxruntime",)), "int8", "f1@0.4 -0.0010 against fp32"),
        ([variant(Precision.INT8)], Wanted("auto", ("openvino",)), "fp32", None),
        (
            [variant(Precision.INT8)],
            Wanted("int8", ("openvino",)),
            "int8",
            "was measured on onnxruntime, not on openvino",
        ),
        (
            [variant(Precision.FP16, speed_up=3.0, backend="elsewhere"), variant(Precision.INT8, backend="openvino")],
            Wanted("auto", ("onnxruntime", "openvino")),
            "int8",
            "when it was measured, on openvino.",
        ),
        (
            [variant(Precision.INT8, backend="elsewhere")],
            Wanted("int8", ("onnxruntime", "openvino")),
            "int8",
            "was measured on elsewhere, not on onnxruntime or openvino.",
        ),
        ([variant(Precision.INT8, speed_up=0.9)], Wanted("auto", ("onnxruntime",)), "fp32", None),
        (
            [variant(Precision.FP16), variant(Precision.INT8, speed_up=3.0)],
            Wanted("auto", ("onnxruntime",)),
            "int8",
            "Computed in int8",
        ),
    ],
)
def test_which_precision_is_taken(variants: list[Variant], wanted: Wanted, precision: str, note: str | None) -> None:
    taken, notes = choose(models.manifest(variants=variants), wanted)
    assert taken == precision
    assert (note is None) == (notes == [])
    assert note is None or any(note in each for each in notes)


async def test_a_variant_that_was_measured_to_pay_is_computed_and_said(bench: Bench, tmp_path: Path) -> None:
    held = networks.write_snapshot(tmp_path / "scene", 9)
    scene = held.scene_path(held.manifest.items[0].item_id)
    plain = networks.write_package(tmp_path / "plain", name="lowered")
    package = with_int8(plain, quantised(plain, held, tmp_path / "work"))
    bench.start_worker()
    report = await bench.end(await bench.submit(scene, package))
    assert isinstance(report.body, RunFinished), report
    assert report.body.summary.detections == SQUARES
    assert (
        "Computed in int8: f1@0.4 -0.0010 against fp32 when it was measured, on onnxruntime."
        in report.body.summary.notes
    )
    assert "precision=int8" in bench.log()

    broken = with_int8(networks.write_package(tmp_path / "broken", name="broken-variant"), b"this is not a graph")
    report = await bench.end(await bench.submit(scene, broken))
    assert isinstance(report.body, RunFinished), report
    assert report.body.summary.detections == SQUARES
    assert any(
        note.startswith("Computed in fp32: the int8 variant could not be loaded.") for note in report.body.summary.notes
    )


async def test_a_precision_that_the_package_lacks_falls_back_and_says_so(bench: Bench, tmp_path: Path) -> None:
    held = networks.write_snapshot(tmp_path / "scene", 9)
    scene = held.scene_path(held.manifest.items[0].item_id)
    bench.start_worker(VEDETTE_WORK_PRECISION="fp16", VEDETTE_WORK_BACKEND="onnxruntime")
    report = await bench.end(await bench.submit(scene, networks.write_package(tmp_path / "package", name="no-half")))
    assert isinstance(report.body, RunFinished), report
    assert report.body.summary.detections == SQUARES
    assert "Computed in fp32: the model package has no fp16 variant." in report.body.summary.notes
