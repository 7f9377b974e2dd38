"""Versions of the demo's real detector that differ in how good they are, because their running points do.

On the scene that it was trained near, 1.0.0 has its threshold at 0.207 (F1 0.586 at an IoU of 0.5); 1.1.0 is better (0.25,
0.651) and 1.2.0 is worse (0.5, 0.150): `vedette evaluate --threshold` prints these.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from appliance.formats import model_package
from appliance.formats.model_package import ModelPackage
from tests.cluster.programs import REPOSITORY

FIRST = REPOSITORY / "demo" / "tree-crowns"
BETTER, WORSE = ("1.1.0", 0.25), ("1.2.0", 0.5)


def version(folder: Path, number: str, threshold: float) -> ModelPackage:
    """The demo's package as another version with another threshold."""
    shutil.copytree(FIRST, folder, dirs_exist_ok=True)
    package = model_package.read(folder)
    point = package.manifest.running_point.model_copy(update={"threshold": threshold})
    variants = [
        each.model_copy(update={"running_point": each.running_point.model_copy(update={"threshold": threshold})})
        for each in package.manifest.variants
    ]
    manifest = package.manifest.model_copy(update={"version": number, "running_point": point, "variants": variants})
    metrics = json.loads((folder / "metrics.json").read_text())
    return model_package.write(folder, manifest, metrics, (folder / "MODEL_CARD.md").read_text())
