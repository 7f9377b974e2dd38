"""What is refused before any work: snapshots that would make the figures worthless, and folders in the way. Pure but for
reading folders. Called by optimise.py."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from appliance.contracts.errors import Code, VedetteError
from appliance.contracts.model_package import Manifest, Precision
from appliance.formats.snapshot import Snapshot, shared_item
from appliance.inference import evaluation


def check_output(folder: Path) -> None:
    """Raises VedetteError(CONFLICT | NOT_FOUND) when `folder` cannot become the new package."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise VedetteError(Code.CONFLICT, f"{folder} is there already.", "Name a new folder.")
    if not folder.absolute().parent.is_dir():
        raise VedetteError(Code.NOT_FOUND, f"The folder {folder.parent} does not exist.", "Make it first.")


@dataclass(frozen=True)
class Snapshots:
    """`measured`: whose loss counts. `calibration`: whose tiles say the ranges of tensors; int8 needs it. `validation`: where
    the running point is chosen again, and layers are left in float until it loses no more than allowed; without it the
    package's point is kept and every layer lowered."""

    measured: Snapshot
    calibration: Snapshot | None = None
    validation: Snapshot | None = None


def check_snapshots(manifest: Manifest, precision: Precision, given: Snapshots) -> None:
    """Raises VedetteError(INVALID | EMPTY): what the variant is made from must not be what its loss is measured on."""
    measured, calibration, validation = given.measured, given.calibration, given.validation
    if precision == Precision.INT8 and calibration is None:
        raise VedetteError(
            Code.INVALID,
            "int8 needs tiles to calibrate on.",
            "Name the snapshot that the detector was trained on with --calibration.",
        )
    for option, other in (("--calibration", calibration), ("--validation", validation)):
        if other is not None:
            _refuse_shared(option, measured, other)
    if calibration is not None and calibration.digest == manifest.lineage.test:
        raise VedetteError(
            Code.INVALID,
            f"{calibration.folder} is the snapshot that the detector was tested on.",
            "Use the training one.",
        )
    if measured.manifest.annotations == 0:
        raise VedetteError(
            Code.EMPTY,
            f"{measured.folder} holds no annotations: no loss can be measured on it.",
            "Name a labelled one.",
        )


def chosen_metric(manifest: Manifest, asked: str | None) -> str:
    """The one asked for, else that of the running point, else f1@0.5. Raises VedetteError(INVALID) for an unknown one."""
    if asked is not None and asked not in evaluation.METRICS:
        raise VedetteError(Code.INVALID, f"{asked} is no metric.", f"Choose one of {', '.join(evaluation.METRICS)}.")
    own = manifest.running_point.metric
    return asked or (own if own in evaluation.METRICS else "f1@0.5")


def _refuse_shared(option: str, measured: Snapshot, other: Snapshot) -> None:
    item = shared_item(measured, other)
    if item is not None:
        raise VedetteError(
            Code.INVALID,
            f"The loss would be measured on pixels of {item} that {option} {other.folder} also holds.",
            "Name snapshots that share nothing.",
        )
