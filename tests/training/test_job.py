"""The whole job on discs: it learns them, exports what it learned, and goes on after a kill as if nothing had happened."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from appliance.cli import main
from appliance.contracts.errors import Code, VedetteError
from appliance.contracts.model_package import METRICS_FILE, GsdRange
from appliance.contracts.snapshot import PixelWindow
from appliance.formats import model_package
from appliance.formats.model_package import ModelPackage
from appliance.formats.snapshot import Snapshot, shared_item
from appliance.training import export, job, loop, scenes
from appliance.training.configuration import TrainingConfiguration
from appliance.training.watch import Epoch, Watch
from tests.training.conftest import SIZE, MakeSnapshot, Part

pytestmark = [
    pytest.mark.training,
    pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning"),
]

LEFT = PixelWindow(x=0, y=0, width=128, height=SIZE)
RIGHT = PixelWindow(x=128, y=0, width=128, height=SIZE)


@pytest.fixture(scope="module")
def data(make_snapshot: MakeSnapshot) -> job.Data:
    return job.Data(make_snapshot(Part(seed=1)), make_snapshot(Part(seed=2)), make_snapshot(Part(seed=3)))


@pytest.fixture(scope="module")
def told() -> list[Epoch]:
    return []


@pytest.fixture(scope="module")
def package(
    data: job.Data,
    configuration: TrainingConfiguration,
    told: list[Epoch],
    tmp_path_factory: pytest.TempPathFactory,
) -> ModelPackage:
    folder = tmp_path_factory.mktemp("package")
    return job.run(configuration, data, folder / "discs", folder / "work", job.Watch(told.append))


def test_it_learns_the_discs(package: ModelPackage, told: list[Epoch]) -> None:
    assert told[-1].loss < told[0].loss / 2
    assert package.manifest.metrics["validation/f1@0.5"] == 1.0
    assert package.manifest.metrics["test/f1@0.5"] > 0.9
    assert package.manifest.metrics["test/annotations"] == 16


def test_the_package_says_where_it_comes_from(
    package: ModelPackage, data: job.Data, configuration: TrainingConfiguration
) -> None:
    again = model_package.read(package.folder, package.digest)
    lineage, point = again.manifest.lineage, again.manifest.running_point
    assert (lineage.train, lineage.validation) == (data.train.digest, data.validation.digest)
    assert data.test is not None
    assert lineage.test == data.test.digest
    assert (lineage.configuration, lineage.seed) == (configuration.digest, 3)
    assert "vedette" in lineage.code
    assert point.chosen_on == data.validation.digest
    assert again.manifest.taxonomy[0].label == "disc"
    metrics = json.loads((package.folder / METRICS_FILE).read_text())
    assert metrics["export"]["largest_score_difference"] < 1e-4
    assert metrics["export"]["largest_box_difference_pixels"] < 1e-2


def test_the_exported_graph_takes_any_batch_and_keeps_its_contract(package: ModelPackage) -> None:
    run = export.onnx_model(package.model_path, 1)
    tiles = np.random.default_rng(0).integers(0, 255, (3, 128, 128, 3), np.uint8)
    boxes, scores, classes = run(tiles)
    assert (boxes.shape, scores.shape, classes.shape) == ((3, 40, 4), (3, 40), (3, 40))
    assert (boxes.dtype, scores.dtype, classes.dtype) == (np.float32, np.float32, np.int64)
    assert ((scores >= 0) & (scores <= 1)).all()
    assert (np.diff(scores, axis=1) <= 0).all()
    alone = run(tiles[1:2])
    np.testing.assert_allclose(alone[1][0], scores[1], atol=1e-5)


def test_the_exported_file_tells_nothing_of_the_machine(package: ModelPackage) -> None:
    content = package.model_path.read_bytes()
    assert str(Path(export.__file__).parent).encode() not in content
    model = onnx.load(str(package.model_path))
    assert not any(node.metadata_props or node.doc_string for node in model.graph.node)


def test_the_product_finds_what_training_promised(
    package: ModelPackage, data: job.Data, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ["--detector", str(package.folder), "--snapshot", str(data.validation.folder)]
    assert main.run(["evaluate", *where, "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["snapshot"] == data.validation.digest
    assert said["figures"]["f1@0.5"] > 0.9
    assert said["figures"]["annotations"] == 16


def test_train_says_what_is_missing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "train.yaml"
    file.write_text("name: discs\nversion: 1.0.0\nlicence: MIT\n")
    where = ["--train", str(tmp_path / "none"), "--validation", str(tmp_path), "-o", str(tmp_path / "out")]
    assert main.run(["train", "-f", str(file), *where]) == 2
    assert "is not a snapshot" in capsys.readouterr().err


def test_resumed_after_a_kill_is_the_same_as_uninterrupted(
    data: job.Data, configuration: TrainingConfiguration, tmp_path: Path
) -> None:
    short = configuration.model_copy(update={"epochs": 3, "steps_per_epoch": 2, "batch_size": 2})
    whole = train(short, data, tmp_path / "whole", stop_after=None)
    cut = train(short, data, tmp_path / "cut", stop_after=2)
    assert not cut.finished
    resumed = train(short, data, tmp_path / "cut", stop_after=None)
    assert resumed.finished
    for name, tensor in whole.network.state_dict().items():
        torch.testing.assert_close(resumed.network.state_dict()[name], tensor, rtol=0, atol=0, msg=name)


def train(configuration: TrainingConfiguration, data: job.Data, folder: Path, stop_after: int | None) -> loop.Trained:
    """`stop_after` so many looks at the stop flag: in the middle of an epoch, as a signal would come."""
    folder.mkdir(exist_ok=True)
    looks = 0

    def stop() -> bool:
        nonlocal looks
        looks += 1
        return stop_after is not None and looks > stop_after

    around = loop.Surroundings(folder, data.train.digest, Watch(stop=stop))
    return loop.train(configuration, scenes.load(data.train, ["disc"], None), [], 1, around)


def test_stopping_says_how_to_go_on(data: job.Data, configuration: TrainingConfiguration, tmp_path: Path) -> None:
    with pytest.raises(VedetteError) as caught:
        job.run(configuration, data, tmp_path / "out", tmp_path / "work", job.Watch(stop=lambda: True))
    assert caught.value.reason.code is Code.CANCELLED
    assert not (tmp_path / "out").exists()


def test_a_checkpoint_of_another_job_is_refused(
    data: job.Data, configuration: TrainingConfiguration, tmp_path: Path
) -> None:
    with pytest.raises(VedetteError, match="stopped"):
        job.run(configuration, data, tmp_path / "out", tmp_path / "work", job.Watch(stop=lambda: True))
    other = configuration.model_copy(update={"seed": 4})
    with pytest.raises(VedetteError, match="another configuration"):
        job.run(other, data, tmp_path / "out", tmp_path / "work", job.Watch())
    (tmp_path / "work" / "checkpoint.pt").write_bytes(b"torn")
    with pytest.raises(VedetteError, match="not a checkpoint"):
        job.run(configuration, data, tmp_path / "out", tmp_path / "work", job.Watch())


def test_snapshots_that_share_pixels_are_refused(
    make_snapshot: MakeSnapshot, configuration: TrainingConfiguration, tmp_path: Path
) -> None:
    left, right = make_snapshot(Part(windows=(LEFT,))), make_snapshot(Part(windows=(RIGHT,)))
    assert shared_item(left, right) is None
    for leaking in (make_snapshot(Part()), left):
        with pytest.raises(VedetteError, match="both hold the same part") as caught:
            job.run(configuration, job.Data(left, leaking), tmp_path / "out", tmp_path / "work", job.Watch())
        assert caught.value.reason.code is Code.CONFLICT


@pytest.mark.parametrize(
    ("part", "code"),
    [
        (Part(bands=1), Code.BANDS),
        (Part(dtype="uint16"), Code.UNSUPPORTED),
        (Part(gsd_metres=5.0), Code.GSD),
    ],
)
def test_scenes_that_training_cannot_use_are_named(make_snapshot: MakeSnapshot, part: Part, code: Code) -> None:
    held: Snapshot = make_snapshot(part)
    with pytest.raises(VedetteError) as caught:
        scenes.load(held, ["disc"], GsdRange(minimum=0.05, nominal=0.1, maximum=0.2))
    assert caught.value.reason.code is code
    assert "discs-0.tif" in caught.value.reason.message


def test_unknown_label_and_no_label(make_snapshot: MakeSnapshot) -> None:
    with pytest.raises(VedetteError, match="the label disc"):
        scenes.load(make_snapshot(Part()), ["tree"], None)
