"""Packages for every head, and the backends that can run on this machine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.formats import model_package
from appliance.formats.model_package import ModelPackage
from appliance.inference.backends import catalogue
from appliance.inference.backends.base import Allowance, Backend
from appliance.inference.graphs import on_device
from tests.inference import models
from tests.inference.backends import graphs

HERE = [entry.name for entry in catalogue.entries() if not entry.missing()]
KINDS = ["demo", "centre", "on-card", "boxes", "rotated-boxes", "instance-masks"]
TWO_THREADS = Allowance(threads=2, batch_size=4)
_DEMO = Path(__file__).parents[3] / "demo" / "tree-crowns"


def make_package(kind: str, folder: Path) -> ModelPackage:
    if kind == "demo":
        return model_package.read(_DEMO)
    if kind == "on-card":
        (folder / "on-card").mkdir(parents=True)
        return on_device.derived(models.write_package(folder), folder / "on-card")
    return models.write_package(folder) if kind == "centre" else graphs.write_package(folder, kind)


@pytest.fixture(params=KINDS)
def package(request: pytest.FixtureRequest, tmp_path: Path) -> ModelPackage:
    return make_package(request.param, tmp_path / "package")


@pytest.fixture
def cells(tmp_path: Path) -> ModelPackage:
    return make_package("boxes", tmp_path / "cells")


@pytest.fixture(params=HERE)
def backend(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Backend]:
    """Each that can run here, on the graph whose tiles may be of any size."""
    opened = catalogue.named(request.param).open(make_package("centre", tmp_path / "centre"), TWO_THREADS)
    yield opened
    opened.close()
