"""The YAML of a training run, and what a wrong one is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.contracts.errors import VedetteError
from appliance.training import configuration

pytestmark = pytest.mark.training

GOOD = "name: trees\nversion: 1.0.0\nlicence: MIT\n"


def test_load_and_digest(tmp_path: Path) -> None:
    file = tmp_path / "train.yaml"
    file.write_text(GOOD)
    first = configuration.load(file)
    file.write_text("# a comment changes nothing\nepochs: 30\n" + GOOD)
    assert configuration.load(file).digest == first.digest
    file.write_text(GOOD + "seed: 1\n")
    assert configuration.load(file).digest != first.digest


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (GOOD + "epochs: 0\n", "epochs"),
        (GOOD + "epoch: 3\n", "epoch"),
        (GOOD + "crop_size: 100\n", "crop_size"),
        ("- a list\n", "configuration"),
        (": [", "not YAML"),
        ("\x00", "not YAML"),
    ],
)
def test_a_wrong_configuration_is_named(tmp_path: Path, text: str, why: str) -> None:
    file = tmp_path / "train.yaml"
    file.write_text(text)
    with pytest.raises(VedetteError, match=why) as caught:
        configuration.load(file)
    assert str(file) in caught.value.reason.message


def test_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(VedetteError, match="cannot be read"):
        configuration.load(tmp_path / "none.yaml")
