"""Models in lower precision to choose from, the fastest first. Called by optimise.py, which stops at one that is good enough.

Half precision has one. Eight bits have more: where all layers in eight bits lose too much, the most sensitive ones are left
in float, an eighth of them at first, then a quarter, then half. Knows no snapshot and no metric.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from appliance.contracts.model_package import Precision
from appliance.formats.model_package import ModelPackage
from appliance.inference.backends.base import Backend
from appliance.inference.optimise_measures import Runtime, Watch

_SHARES = (1 / 8, 1 / 4, 1 / 2)
_RANKED_TILES = 2


@dataclass(frozen=True)
class Candidate:
    """A model on disk. `in_float` names the layers that were left out."""

    path: Path
    precision: Precision
    in_float: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.precision} with {len(self.in_float)} layers in float" if self.in_float else str(self.precision)


@dataclass(frozen=True)
class Making:
    """What candidates are made from and with. `symmetric`: int8 around zero, as TensorRT takes it. `tiles` (n, ...) as the
    model takes them. `folder` is for working files."""

    package: ModelPackage
    precision: Precision
    symmetric: bool
    tiles: NDArray[Any]
    runtime: Runtime
    folder: Path


def candidates(making: Making, watch: Watch) -> Iterator[Candidate]:
    """Raises VedetteError(MODEL_PACKAGE) for a model that cannot be lowered."""
    package, folder = making.package, making.folder
    source = package.at(Precision.FP32).model_path
    from appliance.inference.graphs import half, int8, sensitivity  # late: only these need the onnx library

    def run(path: Path) -> Backend:
        return making.runtime.study(path, package.manifest)

    if making.precision == Precision.FP16:
        watch.step("convert")
        kept = half.convert(source, folder / "half.onnx", making.tiles, run)
        yield Candidate(folder / "half.onnx", Precision.FP16, kept)
        return
    known = int8.calibrate(source, making.tiles, folder, lambda done: watch.step("calibrate", done))
    target = folder / "int8.onnx"
    int8.quantise(known, target, symmetric=making.symmetric)
    yield Candidate(target, Precision.INT8)
    order = sensitivity.ranked(
        known,
        making.tiles[:_RANKED_TILES],
        run,
        lambda done: watch.step("look for sensitive layers", done),
    )
    for number, count in enumerate(_counts(len(order))):
        target = folder / f"int8-{number}.onnx"
        int8.quantise(known, target, order[:count], making.symmetric)
        yield Candidate(target, Precision.INT8, order[:count])


def _counts(layers: int) -> list[int]:
    """How many layers to leave in float, one after the other; never all of them."""
    return sorted({max(1, round(layers * share)) for share in _SHARES} - {layers})
