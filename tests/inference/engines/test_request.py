"""Which graph of a package an engine is wished for, and under what key."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.contracts.errors import Code, VedetteError
from appliance.contracts.model_package import Precision, RunningPoint, Variant
from appliance.formats import digest, model_package
from appliance.formats.model_package import ModelPackage
from appliance.inference.engines import request
from appliance.inference.engines.request import Asked
from appliance.inference.engines.spec import Library
from tests.inference.models import write_package

_TRAIN, _TEST = f"sha256:{'1' * 64}", f"sha256:{'2' * 64}"


@pytest.fixture
def package(tmp_path: Path) -> ModelPackage:
    """With an int8 variant under a name of its own."""
    plain = write_package(tmp_path / "package")
    content = plain.model_path.read_bytes() + b"\0"
    (plain.folder / "model.small.onnx").write_bytes(content)
    lower = Variant(
        precision=Precision.INT8, file="model.small.onnx", digest=digest.of_bytes(content), backend="onnxruntime", speed_up=2,
        metric="f1", value=0.9, loss=0, snapshot=_TEST, calibration=_TRAIN, running_point=RunningPoint(threshold=0.4),
    )  # fmt: skip
    return model_package.write(plain.folder, plain.manifest.model_copy(update={"variants": [lower]}), {}, "# Package\n")


def test_a_variant_is_the_file_and_the_calibration_that_the_manifest_names(package: ModelPackage) -> None:
    lower = request.wish(package, Asked(library=Library.RTX, precision=Precision.INT8))
    assert lower.model.name == "model.small.onnx"
    assert (lower.key.model, lower.key.calibration) == (digest.of_file(lower.model), _TRAIN)
    assert lower.key.precision == Precision.INT8
    plain = request.wish(package.at(Precision.INT8), Asked(library=Library.RTX))
    assert (plain.model.name, plain.key.calibration) == ("model.onnx", None)


def test_a_variant_that_is_not_there_is_not_found(package: ModelPackage) -> None:
    with pytest.raises(VedetteError, match="has no fp16 variant") as refused:
        request.wish(package, Asked(library=Library.RTX, precision=Precision.FP16))
    assert refused.value.reason.code is Code.NOT_FOUND
