"""The public face of inference: `predict_scene`. Called by `vedette predict`, detector workers, training's evaluation on
whole scenes (through a subprocess or the CLI) and the benchmarks. Knows no server, queue or object store.

    from appliance.formats import model_package
    from appliance.inference.backends.choice import open_backend
    from appliance.inference.options import Hooks, PredictOptions, SceneSource
    from appliance.inference.predict import predict_scene

    opened = open_backend("auto", model_package.read(folder))
    manifest = opened.package.manifest
    summary = predict_scene(SceneSource("scene.tif", "scene.tif"), manifest, opened.backend, Path("out.parquet"))

The result is one GeoParquet 1.1 file with the columns of contracts.detection.PARQUET_COLUMNS. Its partial form lies beside
it as `<name>.partial` and is renamed when complete. Merging alone: `appliance.vision.merge.resolve`.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from appliance.contracts.detection import RunSummary
from appliance.contracts.model_package import Manifest
from appliance.contracts.run import Progress
from appliance.inference import pipeline, plan, strips
from appliance.inference.backends.base import About, Backend, blank
from appliance.inference.collect import Collector, Tally
from appliance.inference.feeder import Feeder
from appliance.inference.finish import Finisher
from appliance.inference.geoparquet import GeoParquetWriter
from appliance.inference.options import Hooks, PredictOptions, SceneSource
from appliance.inference.plan import Plan
from appliance.inference.reader import StripReader, layout_of, strip_type
from appliance.inference.scene import Scene, open_scene
from appliance.vision import geofence
from appliance.vision.candidates import Candidates
from appliance.vision.geofence import PixelFence
from appliance.vision.grid import Tile

_PROGRESS_SECONDS = 0.25


def predict_scene(
    scene: SceneSource,
    manifest: Manifest,
    backend: Backend,
    output: Path,
    options: PredictOptions = PredictOptions(),
    hooks: Hooks = Hooks(),
) -> RunSummary:
    """Find the objects of one scene and write them to `output`.

    Raises VedetteError: UNREADABLE, TRUNCATED, EMPTY, TOO_LARGE, BANDS, GSD, GEOREFERENCE, MODEL_PACKAGE for the input;
    CANCELLED when `hooks.cancelled()` became true; DISK or STORE (retryable) for the surroundings. Finished bands stay in
    `hooks.checkpoints`; the next call with the same arguments goes on there and gives exactly the same file.
    """
    start = time.monotonic()
    opened = open_scene(scene, manifest)
    pixel_type = strip_type(opened, manifest.input)
    layout = layout_of(opened, pixel_type)
    strips.check(layout, scene.name)
    planned = plan.make(opened, manifest, options, layout)
    fence = fence_of(options, opened)
    finisher = Finisher(opened, manifest, fence)
    with GeoParquetWriter(output, opened.georeference.transformer is not None) as writer:

        def sink(candidates: Candidates) -> int:
            rows = finisher.rows(candidates)
            writer.write(rows)
            return int(rows.num_rows)

        threshold = manifest.running_point.threshold if options.threshold is None else options.threshold
        collector = Collector(manifest, planned, threshold, hooks.checkpoints, sink)
        first = collector.resume()
        idle_seconds = 0.0
        if first < len(planned.bands):
            held = plan.held_strips(opened, layout, manifest.input.tile_size)
            stages = pipeline.Stages(
                StripReader(opened, pixel_type, options.decode_threads or os.cpu_count() or 1, options.buffer_bytes),
                Feeder(opened, manifest.input, planned, _wanted(opened, planned, fence), held),
                backend,
                collector,
                lambda: blank(manifest.input, options.batch_size),
            )
            idle_seconds = pipeline.run(stages, first, _watch(hooks, planned, collector.tally, start))
        writer.finish()
    hooks.progress(_progress(planned, collector.tally, start))
    summary = _summary(opened, collector.tally, finisher, time.monotonic() - start)
    return _of_backend(summary, backend.about, idle_seconds)


def fence_of(options: PredictOptions, scene: Scene) -> PixelFence | None:
    """Where detections count on this scene; None: everywhere."""
    if options.geofence is None:
        return None
    size = (scene.width, scene.height)
    outside = options.geofence_excludes
    return geofence.on_scene(options.geofence, scene.georeference, size, scene.source.name, outside)


def _wanted(scene: Scene, planned: Plan, fence: PixelFence | None) -> Callable[[Tile], bool]:
    """Whether a tile is to be looked at: any of its window may hold the centre of something inside the fence."""
    if fence is None:
        return lambda _: True
    across, down = scene.to_full
    side = planned.grid.tile_size
    touched: dict[Tile, bool] = {}

    def wanted(tile: Tile) -> bool:
        if tile not in touched:
            x0, y0 = tile.x * across, tile.y * down
            touched[tile] = fence.touches(x0, y0, x0 + side * across, y0 + side * down)
        return touched[tile]

    return wanted


def _watch(hooks: Hooks, planned: Plan, tally: Tally, start: float) -> Callable[[], bool]:
    reported = 0.0

    def watch() -> bool:
        nonlocal reported
        if hooks.cancelled():
            return True
        if time.monotonic() - reported >= _PROGRESS_SECONDS:
            reported = time.monotonic()
            hooks.progress(_progress(planned, tally, start))
        return False

    return watch


def _progress(planned: Plan, tally: Tally, start: float) -> Progress:
    fraction = min(1.0, (tally.tiles + tally.skipped) / max(1, len(planned.grid)))
    if tally.bands == len(planned.bands):
        fraction = 1.0
    done = fraction - tally.resumed_fraction
    left = (time.monotonic() - start) * (1 - fraction) / done if done > 0 else None
    return Progress(
        fraction=fraction,
        bands_done=tally.bands,
        bands_total=len(planned.bands),
        detections=tally.detections,
        seconds_left=left,
    )


def _summary(scene: Scene, tally: Tally, finisher: Finisher, seconds: float) -> RunSummary:
    notes = list(scene.notes)
    if tally.tiles == 0:
        notes.append("No pixel of the scene holds data where it was to be searched.")
    if finisher.unplaced:
        notes.append(f"{finisher.unplaced} objects lie where the projection has no answer; they were left out.")
    return RunSummary(
        detections=tally.detections,
        tiles=tally.tiles,
        tiles_skipped=tally.skipped,
        megapixels=float(np.round(scene.width * scene.height / 1e6, 6)),
        seconds=seconds,
        resumed_at_band=tally.resumed_at,
        notes=notes,
    )


def _of_backend(summary: RunSummary, about: About, idle_seconds: float) -> RunSummary:
    notes = [*summary.notes, about.why] if about.why else summary.notes
    return summary.model_copy(
        update={"notes": notes, "backend": str(about)[:200], "model_idle_seconds": round(idle_seconds, 6)}
    )
