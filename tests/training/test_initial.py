"""Fine-tuning begins with exactly what the package computes, and refuses what it cannot begin with."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from appliance.contracts.errors import Code, VedetteError
from appliance.formats.model_package import ModelPackage
from appliance.training import export, initial, job, scenes
from appliance.training.architecture import CentreDetector, normalise
from appliance.training.configuration import TrainingConfiguration
from appliance.training.crops import Crops
from tests.training.conftest import MakeSnapshot, Part

pytestmark = [
    pytest.mark.training,
    pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning"),
]


@pytest.fixture(scope="module")
def data(make_snapshot: MakeSnapshot) -> job.Data:
    return job.Data(make_snapshot(Part(seed=1)), make_snapshot(Part(seed=2)))


@pytest.fixture(scope="module")
def short(configuration: TrainingConfiguration) -> TrainingConfiguration:
    return configuration.model_copy(update={"epochs": 1, "steps_per_epoch": 6})


@pytest.fixture(scope="module")
def package(data: job.Data, short: TrainingConfiguration, tmp_path_factory: pytest.TempPathFactory) -> ModelPackage:
    folder = tmp_path_factory.mktemp("origin")
    return job.run(short, data, folder / "package", folder / "work", job.Watch())


def begun(package: ModelPackage, data: job.Data, configuration: TrainingConfiguration) -> tuple[CentreDetector, Crops]:
    crops = Crops(scenes.load(data.train, ["disc"], None), 1, configuration)
    network = CentreDetector(1, configuration.width, pretrained=False)
    initial.take_weights(network, package.model_path, crops)
    return network, crops


def test_it_computes_what_the_package_computes(
    package: ModelPackage, data: job.Data, short: TrainingConfiguration
) -> None:
    network, crops = begun(package, data, short)
    tiles = crops.batch(0).tiles.numpy()
    expected = export.onnx_model(package.model_path, 1)(tiles)
    actual = export.torch_model(network, short.maximum_per_tile)(tiles)
    np.testing.assert_allclose(actual[1], expected[1], atol=1e-4)


def test_in_training_it_computes_nearly_the_same(
    package: ModelPackage, data: job.Data, short: TrainingConfiguration
) -> None:
    """Batch normalisation sees the batch then: without the statistics of the data, nothing would be left of the weights."""
    network, crops = begun(package, data, short)
    tiles = normalise(crops.batch(1).tiles)
    with torch.no_grad():
        held = torch.sigmoid(network.eval()(tiles)[0])
        moving = torch.sigmoid(network.train()(tiles)[0])
    assert float((held - moving).abs().mean()) < 0.1 * float(held.std() + held.mean())


def test_a_fine_tuned_package_says_what_it_began_with(
    package: ModelPackage, data: job.Data, short: TrainingConfiguration, tmp_path: Path
) -> None:
    more = dataclasses.replace(data, origin=package)
    tuned = job.run(
        short.model_copy(update={"version": "1.1.0"}), more, tmp_path / "out", tmp_path / "work", job.Watch()
    )
    assert tuned.manifest.lineage.initialised_from == f"discs 1.0.0, {package.digest}"


def test_what_cannot_be_fine_tuned_is_refused(package: ModelPackage, short: TrainingConfiguration) -> None:
    foreign = package.manifest.model_copy(update={"architecture": "other-net"})
    for given, labels, width, code in (
        (dataclasses.replace(package, manifest=foreign), ["disc"], 16, Code.MODEL_PACKAGE),
        (package, ["disc", "square"], 16, Code.LABELS),
        (package, ["disc"], 32, Code.INVALID),
    ):
        with pytest.raises(VedetteError) as caught:
            initial.check(given, labels, short.model_copy(update={"width": width}))
        assert caught.value.reason.code is code
