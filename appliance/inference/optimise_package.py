"""Write a package with one more variant: a new version in a new folder, whole or not at all. Called by optimise.py."""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from appliance.contracts.base import Sha256
from appliance.contracts.errors import Code, VedetteError
from appliance.contracts.model_package import (
    CARD_FILE,
    METRICS_FILE,
    MODEL_FILE,
    Manifest,
    Precision,
    RunningPoint,
    Variant,
)
from appliance.formats import digest, model_package
from appliance.formats.model_package import ModelPackage
from appliance.inference.optimise_candidates import Candidate
from appliance.inference.optimise_gate import Figures


@dataclass(frozen=True)
class Made:
    """What passed its gate."""

    precision: Precision
    candidate: Candidate
    point: RunningPoint
    figures: Figures


@dataclass(frozen=True)
class Origin:
    """Digests of the snapshots it was measured on and calibrated with; the new package's version, None for the next."""

    snapshot: Sha256
    calibration: Sha256 | None
    version: str | None


def write(package: ModelPackage, made: Made, origin: Origin, output: Path) -> ModelPackage:
    """A copy of `package` in `output` that holds the variant as well. Raises VedetteError(DISK, retryable)."""
    try:
        place = Path(tempfile.mkdtemp(dir=output.absolute().parent, prefix=f".{output.name}-"))
        try:
            _fill(place, package, made, origin)
            place.chmod(0o755)
            place.rename(output)
        finally:
            shutil.rmtree(place, ignore_errors=True)
    except OSError as error:
        raise VedetteError(
            Code.DISK, f"{output} cannot be written: {error.strerror}.", "Make room.", retryable=True
        ) from error
    return model_package.read(output)


def _fill(place: Path, package: ModelPackage, made: Made, origin: Origin) -> None:
    variant = _variant(made, origin)
    kept = [each for each in package.manifest.variants if each.precision != made.precision]
    for name in (MODEL_FILE, *(each.file for each in kept)):
        shutil.copyfile(package.folder / name, place / name)
    shutil.copyfile(made.candidate.path, place / variant.file)
    manifest = package.manifest.model_copy(
        update={"version": origin.version or _next(package.manifest.version), "variants": [*kept, variant]}
    )
    metrics = json.loads((package.folder / METRICS_FILE).read_text("utf-8"))
    figures = variant.model_dump(mode="json", include={"backend", "speed_up", "metric", "value", "loss", "snapshot"})
    metrics["variants"] = {**metrics.get("variants", {}), str(made.precision): figures}
    card = (package.folder / CARD_FILE).read_text("utf-8")
    model_package.write(place, Manifest.model_validate(manifest.model_dump()), metrics, _with_section(card, manifest))


def _variant(made: Made, origin: Origin) -> Variant:
    figures = made.figures
    return Variant(
        precision=made.precision,
        file=f"model.{made.precision}.onnx",
        digest=digest.of_file(made.candidate.path),
        backend=figures.backend,
        machine=_machine(),
        speed_up=round(figures.speed_up, 3),
        metric=figures.metric,
        value=round(figures.after, 4),
        loss=round(figures.loss, 4),
        snapshot=origin.snapshot,
        calibration=origin.calibration,
        running_point=made.point,
        layers_in_float=list(made.candidate.in_float),
    )


def _machine() -> str:
    """The processor, as people know it, and how many of its threads this process may use."""
    told = Path("/proc/cpuinfo")
    found = re.search(r"^model name\s*:\s*(.+)$", told.read_text(), re.MULTILINE) if told.is_file() else None
    return f"{found[1] if found else platform.machine()}, {len(os.sched_getaffinity(0))} threads"


def _next(version: str) -> str:
    """1.2.3 -> 1.2.4: a version that is served never changes."""
    major, minor, patch = re.split(r"[-+]", version)[0].split(".")
    return f"{major}.{minor}.{int(patch) + 1}"


def _with_section(card: str, manifest: Manifest) -> str:
    rows = [
        f"| {v.precision} | {v.metric} {v.value:.4f} | {v.loss:.4f} | {v.speed_up:.2f} on {v.backend}, {v.machine} |"
        for v in manifest.variants
    ]
    head = ["## Variants", "", "| precision | metric | loss | times as fast |", "|---|---|---|---|"]
    return card.split("\n## Variants\n")[0].rstrip() + "\n\n" + "\n".join([*head, *rows]) + "\n"
