"""A backend alone, by its name: batches of tiles that stand ready, as many in flight as the pipeline keeps. With --decode,
what it answers becomes candidates as well; with --thin, the package's graph is made for the device first."""

from __future__ import annotations

import argparse
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import numpy as np

from appliance.contracts.model_package import Precision
from appliance.formats import model_package
from appliance.inference import job_backend
from appliance.inference.backends.base import IN_FLIGHT, Allowance, warm_up
from appliance.inference.graphs import on_device
from appliance.vision.decode import decoder
from benchmarks.sides.process import answer


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--detector", type=Path, required=True)
    parser.add_argument("--backend", required=True)
    parser.add_argument("--batch", type=int, required=True)
    parser.add_argument("--batches", type=int, required=True)
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--decode", type=int, default=0)
    parser.add_argument("--thin", type=int, default=0)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        measure(given, Path(folder))


def measure(given: argparse.Namespace, folder: Path) -> None:
    package = model_package.read(given.detector)
    if given.thin:
        package = on_device.derived(package, folder)
    allowance = Allowance(given.threads, given.batch)
    opened = job_backend.opened(package, given.backend, Precision.FP32, allowance, Event())
    package, backend = opened.package, opened.backend
    source = package.manifest.input
    warm_up(backend, source, given.batch)
    decode = decoder(package.manifest.decode)
    shape = (given.batch, source.tile_size, source.tile_size, len(source.bands))
    tiles = np.random.default_rng(1).integers(0, 255, shape, np.uint8)
    leaving = sum(array.nbytes for array in backend.infer(tiles).values()) / given.batch

    def look(_: int) -> int:
        outputs = backend.infer(tiles)
        return len(decode(outputs, package.manifest.running_point.threshold)) if given.decode else 0

    began, worked = time.perf_counter(), time.process_time()
    with ThreadPoolExecutor(IN_FLIGHT) as pool:
        found = sum(pool.map(look, range(given.batches)))
    seconds, worked = time.perf_counter() - began, time.process_time() - worked
    backend.close()
    tiles_done = given.batches * given.batch
    answer(seconds=seconds, processor_seconds=worked, tiles=tiles_done, bytes_per_tile=leaving, candidates=found)


if __name__ == "__main__":
    main()
