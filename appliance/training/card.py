"""The model card: what the detector is, what it was measured on, and what it is not good for. Pure text; called by job.py.

After Mitchell et al. 2019 (Model Cards for Model Reporting), kept to what a user of a detector asks.
"""

from __future__ import annotations

from appliance.contracts.model_package import Manifest
from appliance.training.configuration import TrainingConfiguration

_COLUMNS = ("annotations", "precision@0.4", "recall@0.4", "f1@0.4", "f1@0.5", "ap50", "ap")


def write(
    configuration: TrainingConfiguration,
    manifest: Manifest,
    figures: dict[str, dict[str, float]],
    difference: dict[str, float],
) -> str:
    point, lineage = manifest.running_point, manifest.lineage
    lines = [
        f"# {manifest.title or manifest.name} {manifest.version}",
        "",
        configuration.description.strip(),
        "",
        "## Figures",
        "",
        f"At the running point: score from {point.threshold:g}; of two detections with an IoU above {point.overlap:g} the better",
        f"one. It is the lowest score whose {point.metric} on the validation snapshot lies within one standard error of the",
        "best. `@0.4` and `@0.5`: the IoU from which a detection is right. AP is COCO's, over all scores.",
        "",
        "| snapshot | " + " | ".join(_COLUMNS) + " |",
        "|---|" + "---|" * len(_COLUMNS),
        *(_row(name, values) for name, values in figures.items()),
        "",
        f"The exported file differs from the trained network by at most {difference['largest_score_difference']:.1e} in",
        f"score and {difference['largest_box_difference_pixels']:.1e} pixels in a box side.",
        "",
        "## Limits",
        "",
        *(f"- {limit}" for limit in configuration.limits),
        "",
        "## Where it comes from",
        "",
        f"- Architecture: {manifest.architecture}, tiles of {manifest.input.tile_size} pixels, halo {manifest.input.halo}"
        + (f", {manifest.input.gsd_metres.nominal:g} m per pixel" if manifest.input.gsd_metres else ""),
        f"- Classes: {', '.join(each.label for each in manifest.taxonomy)}",
        f"- Started from: {lineage.initialised_from}; seed {lineage.seed}",
        f"- Snapshots: train `{lineage.train}`, validation `{lineage.validation}`"
        + (f", test `{lineage.test}`" if lineage.test else ""),
        f"- Code: {lineage.code}; configuration `{lineage.configuration}`",
        f"- Licence: {manifest.licence}",
        "",
    ]
    return "\n".join(lines)


def _row(name: str, values: dict[str, float]) -> str:
    cells = [f"{values[column]:.0f}" if column == "annotations" else f"{values[column]:.2f}" for column in _COLUMNS]
    return f"| {name} | " + " | ".join(cells) + " |"
