"""An appliance with one large scene and runs of 20,000 and 100,000 detections on it. Used by the `page` benchmark."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from appliance.clients.http import ApiClient
from appliance.contracts.run import Run, RunState
from appliance.formats import model_package
from appliance.formats.model_package import ModelPackage
from benchmarks.appliance import Appliance
from benchmarks.hand_in import hand_in

DATASET = "bench"
_DETECTOR = Path(__file__).resolve().parents[1] / "demo" / "tree-crowns"
_INGESTED_SECONDS = 300.0


@dataclass(frozen=True)
class Crowded:
    """`runs` maps a number of detections to the run that has them."""

    item: UUID
    runs: dict[int, UUID]

    def address(self, count: int) -> str:
        """The page's address of the scene with so many detections."""
        return f"/?dataset={DATASET}&scene={self.item}&run={self.runs[count]}"


def prepare(appliance: Appliance, scene: Path, counts: Sequence[int], folder: Path) -> Crowded:
    """Send the scene, and hand in one run for each count. `folder` takes the detectors' packages."""
    appliance.vedette("dataset", "create", DATASET)
    [pushed] = appliance.vedette("item", "push", str(scene), "--dataset", DATASET, "--wait")
    runs = {}
    for count in counts:
        package = _package(folder / str(count), f"crowns-{count}")
        appliance.vedette("detector", "apply", str(package.folder))
        [run] = appliance.vedette("run", "start", pushed["item"]["id"], "--detector", package.manifest.name)
        runs[count] = UUID(run["id"])
        hand_in(appliance.around(), runs[count], scene, package, count)
        _ingested(appliance, runs[count], count)
    return Crowded(UUID(pushed["item"]["id"]), runs)


def _package(folder: Path, name: str) -> ModelPackage:
    """The demo's detector under another name: a scene has one run of each detector."""
    original = model_package.read(_DETECTOR)
    folder.mkdir(parents=True)
    (folder / "model.onnx").write_bytes(original.model_path.read_bytes())
    return model_package.write(folder, original.manifest.model_copy(update={"name": name}), {}, "# For a benchmark\n")


def _ingested(appliance: Appliance, run: UUID, count: int) -> None:
    until = time.monotonic() + _INGESTED_SECONDS
    with ApiClient(appliance.url, appliance.data.token.read_text().strip()) as api:
        while True:
            found = api.get(f"/api/runs/{run}", Run)
            if found.state is RunState.SUCCEEDED and found.summary is not None and found.summary.detections == count:
                return
            if found.state.terminal or time.monotonic() > until:
                raise SystemExit(f"The run of {count} detections is {found.state}: {found.reason}")
            time.sleep(0.2)
