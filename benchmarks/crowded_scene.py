"""One large scene, and runs of 20,000 and 100,000 detections on it, in a running appliance. Used by the `page` benchmark."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from appliance.formats import model_package
from benchmarks import push, scattered
from benchmarks.appliance import Appliance

DATASET = "bench"
_DETECTOR = Path(__file__).resolve().parents[1] / "demo" / "tree-crowns"


@dataclass(frozen=True)
class Crowded:
    """`runs` maps a number of detections to the run that has them."""

    item: UUID
    runs: dict[int, UUID]

    def address(self, count: int) -> str:
        """The page's address of the scene with so many detections."""
        return f"/?dataset={DATASET}&scene={self.item}&run={self.runs[count]}"


def prepare(appliance: Appliance, scene: Path, counts: Sequence[int], folder: Path) -> Crowded:
    """Send the scene, and hand in one run for each count; `folder` takes the detections on their way."""
    token, around = appliance.token, appliance.around()
    manifest = model_package.read(_DETECTOR).manifest
    item, runs = push.scene(appliance.url, token, scene), {}
    for count in counts:
        detections = folder / f"{count}.parquet"
        scattered.write(detections, scene, manifest, count)
        runs[count], _ = push.run(around, token, item, detections, count)
    return Crowded(item, runs)
