"""`device`: what is made for a card, measured on the processor: runs that share a backend, and the graph that says candidates.

Beside the clock stands the processor's time, which a machine that does other things as well distorts less: sides with more
threads take more of such a machine."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks import dense, stored
from benchmarks.environment import run_side
from benchmarks.report import Comparison, compare, interleave
from benchmarks.scenes import scene
from benchmarks.settings import megapixels_per_second, real_model, tiles_per_second

_BACKEND = "onnxruntime"


def run(quick: bool, size: int = 3000) -> Iterator[Comparison]:
    """Two runs at one backend are no slower than with one each; what leaves the graph is a fraction; how fast scenes decode."""
    size, rounds = 700 if quick else size, 1 if quick else 3
    yield from _sharing(size, rounds)
    yield from _thinner(2 if quick else 12, rounds)
    yield from _decoding(size, rounds)


def _sharing(size: int, rounds: int) -> Iterator[Comparison]:
    settings = real_model()
    path, batch = scene(size), 4
    common = {
        "scene": path,
        "detector": settings.detector,
        "backend": _BACKEND,
        "batch": batch,
        "threads": 2,
        "runs": 2,
    }
    results = interleave(
        rounds,
        shared=lambda: run_side("device_runs", shared=1, **common),
        separate=lambda: run_side("device_runs", shared=0, **common),
    )
    rates = {name: [each["megapixels"] / each["seconds"] for each in sides] for name, sides in results.items()}
    metric, separate = f"two runs at {size} x {size}", "a backend each"
    yield compare(
        "device", f"{metric}, megapixels per second", rates["shared"], (separate, rates["separate"]), "higher", "MP/s"
    )
    costs = {
        name: [each["processor_seconds"] / each["megapixels"] for each in sides] for name, sides in results.items()
    }
    cost = "processor seconds for a megapixel"
    yield compare("device", f"{metric}, {cost}", costs["shared"], (separate, costs["separate"]), "lower", "s/MP")
    peaks = {name: [each["peak_megabytes"] for each in sides] for name, sides in results.items()}
    yield compare("device", f"{metric}, peak memory", peaks["shared"], (separate, peaks["separate"]), "lower", "MB")


def _thinner(batches: int, rounds: int) -> Iterator[Comparison]:
    with tempfile.TemporaryDirectory() as folder:
        maps = dense.write(Path(folder) / "dense")
        given = {
            "detector": maps,
            "backend": _BACKEND,
            "batch": 8,
            "batches": batches,
            "threads": 2,
            "decode": 1,
        }
        results = interleave(
            rounds,
            thin=lambda: run_side("device_bare", thin=1, **given),
            whole=lambda: run_side("device_bare", thin=0, **given),
        )
    whole = "whole maps, decoded by the host"
    thin = tiles_per_second(results["thin"]), (whole, tiles_per_second(results["whole"]))
    yield compare("device", "candidates from the graph, tiles per second", *thin, "higher", "tiles/s")
    costs = [[each["processor_seconds"] / each["tiles"] for each in results[side]] for side in ("thin", "whole")]
    yield compare(
        "device", "candidates from the graph, processor seconds for a tile", costs[0], (whole, costs[1]), "lower", "s"
    )
    leaving = [[each["bytes_per_tile"] / 1000 for each in results[side]] for side in ("thin", "whole")]
    yield compare("device", "leaving the graph for each tile", leaving[0], (whole, leaving[1]), "lower", "kB")


def _decoding(size: int, rounds: int) -> Iterator[Comparison]:
    """The ways of storing a scene beside the first, which is ours."""
    rates: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for way, copy in stored.copies(scene(size), Path(folder)):
            decoded = [run_side("decode", scene=copy, threads=os.cpu_count() or 1) for _ in range(rounds)]
            rates[way] = megapixels_per_second(size, decoded)
    ours, *others = rates
    for way in others:
        yield compare("device", f"decoding {way}", rates[way], (ours, rates[ours]), "higher", "MP/s")
