"""Runs of one detector at the same time on one scene, in one process: at one backend, or with one of its own for each."""

from __future__ import annotations

import argparse
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from threading import Event

from appliance.contracts.detection import RunSummary
from appliance.contracts.model_package import Precision
from appliance.formats import model_package
from appliance.inference import job_backend
from appliance.inference.backends.base import Allowance, Backend, warm_up
from appliance.inference.backends.choice import Opened
from appliance.inference.batching import BatchLimits, SharedBackend
from appliance.inference.gpu_meter import GpuMeter
from appliance.inference.options import PredictOptions, SceneSource
from appliance.inference.predict import predict_scene
from benchmarks.sides.process import answer


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--scene", type=Path, required=True)
    parser.add_argument("--detector", type=Path, required=True)
    parser.add_argument("--backend", required=True)
    parser.add_argument("--runs", type=int, required=True)
    parser.add_argument("--shared", type=int, required=True)
    parser.add_argument("--batch", type=int, required=True)
    parser.add_argument("--threads", type=int, default=0)
    given = parser.parse_args()
    limits = BatchLimits(tiles=2 * given.batch)
    loaded = [_open(given, limits) for _ in range(1 if given.shared else given.runs)]
    scene = SceneSource(str(given.scene), given.scene.name)
    options = PredictOptions(batch_size=given.batch, decode_threads=given.threads)
    meter = GpuMeter()
    with ExitStack() as ends, tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(given.runs) as pool:
        seats: list[Backend]
        if given.shared:
            shared = SharedBackend(loaded[0].backend, limits)
            ends.callback(shared.close)
            seats = [shared.seat() for _ in range(given.runs)]
        else:
            seats = [opened.backend for opened in loaded]

        def run(place: int) -> RunSummary:
            output = Path(folder) / f"{place}.parquet"
            summary = predict_scene(scene, loaded[0].package.manifest, seats[place], output, options)
            seats[place].close()
            return summary

        before, began, worked = meter.joules(), time.perf_counter(), time.process_time()
        summaries = list(pool.map(run, range(given.runs)))
        seconds, after = time.perf_counter() - began, meter.joules()
        worked = time.process_time() - worked
    figures = {
        "processor_seconds": worked,
        "tiles": sum(each.tiles for each in summaries),
        "detections": summaries[0].detections,
    }
    figures["megapixels"] = sum(each.megapixels for each in summaries)
    if before is not None and after is not None:
        figures["joules"] = after - before
    answer(seconds=seconds, idle_seconds=min(each.model_idle_seconds for each in summaries), **figures)


def _open(given: argparse.Namespace, limits: BatchLimits) -> Opened:
    package = model_package.read(given.detector)
    largest = limits.tiles if given.shared else given.batch
    allowance = Allowance(given.threads, largest)
    opened = job_backend.opened(package, given.backend, Precision.FP32, allowance, Event())
    warm_up(opened.backend, opened.package.manifest.input, largest)
    return opened


if __name__ == "__main__":
    main()
