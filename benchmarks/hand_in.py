"""Hands in a run as a detector worker does: its detections as GeoParquet in the store, its report in the queue.

So a scene has exactly as many detections as a benchmark wants, where it wants them, and everything from the report on
is the appliance's own: taking them in, tiles, figures.
"""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

import numpy as np

from appliance.clients.messaging import Messaging
from appliance.clients.objectstore import ObjectStore
from appliance.contracts import keys
from appliance.contracts.base import RunId
from appliance.contracts.detection import RunSummary
from appliance.contracts.messages import RUN_REPORT_SUBJECT, RunFinished, RunReport
from appliance.formats.model_package import ModelPackage
from appliance.inference.finish import Finisher
from appliance.inference.geoparquet import GeoParquetWriter
from appliance.inference.options import SceneSource
from appliance.inference.scene import open_scene
from appliance.standalone.services.own import Surroundings
from appliance.vision.candidates import Candidates

_PIXELS = (8.0, 30.0)
"""Smallest and largest side of a detection."""


def scattered(count: int, width: int, height: int, seed: int) -> Candidates:
    """`count` upright boxes all over a scene of `width` x `height` pixels, of random sizes and scores from 0.3 up."""
    random = np.random.default_rng(seed)
    sides = random.uniform(*_PIXELS, (count, 2))
    centres = random.uniform(sides / 2, np.array([width, height]) - sides / 2)
    return Candidates(
        np.zeros(count, np.int64),
        np.column_stack([centres, sides, np.zeros(count)]),
        random.uniform(0.3, 1.0, count).astype(np.float32),
        np.zeros(count, np.int64),
    )


def write(path: Path, scene: Path, package: ModelPackage, count: int) -> int:
    """The GeoParquet file of `count` detections of the package on the scene; how many it holds."""
    opened = open_scene(SceneSource(str(scene), scene.name), package.manifest)
    finisher = Finisher(opened, package.manifest, None)
    with GeoParquetWriter(path, georeferenced=True) as writer:
        rows = finisher.rows(scattered(count, opened.width, opened.height, seed=count))
        writer.write(rows)
        writer.finish()
    return int(rows.num_rows)


def hand_in(around: Surroundings, run: RunId, scene: Path, package: ModelPackage, count: int) -> None:
    """Report the run finished with `count` detections. The detector must have none of its own workers."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "detections.parquet"
        held = write(path, scene, package, count)
        ObjectStore(around.store).put_file(keys.detections(run), path, "application/vnd.apache.parquet")
    summary = RunSummary(detections=held, tiles=1, tiles_skipped=0, megapixels=1, seconds=1)
    report = RunReport(run_id=run, attempt=1, body=RunFinished(summary=summary, detections_key=keys.detections(run)))

    async def say() -> None:
        messaging = await Messaging.connect(around.messaging, "benchmark")
        try:
            await messaging.publish(RUN_REPORT_SUBJECT, report, f"{run}/1/finished")
        finally:
            await messaging.close()

    asyncio.run(say())
