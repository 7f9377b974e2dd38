"""`normalise`: wall time of our COG with statistics against `rio cogeo create` alone, and memory as the scene grows."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.environment import run_peer, run_side
from benchmarks.report import Comparison, compare, interleave
from benchmarks.scenes import cache_folder, scene, temporary_scene


def run(quick: bool) -> Iterator[Comparison]:
    """At most 1.1 times; peak memory (our process and its decoding process) at 20,000 as at 10,000."""
    size = 1500 if quick else 10_000
    small = scene(size)
    results = interleave(1 if quick else 5, ours=lambda: _ours(small), cogeo=lambda: _cogeo(small))
    seconds = {name: [result["seconds"] for result in rounds] for name, rounds in results.items()}
    yield compare("normalise", "wall time", seconds["ours"], ("rio cogeo create", seconds["cogeo"]), "lower", "s")
    with temporary_scene(2 * size) as large:
        peak = _ours(large)["tree_megabytes"]
    peaks = [result["tree_megabytes"] for result in results["ours"]]
    metric = f"peak memory at {2 * size} x {2 * size}"
    yield compare("normalise", metric, [peak], (f"ours at {size} x {size}", peaks), "lower", "MB")


def _ours(path: Path) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(dir=cache_folder()) as folder:
        return run_side("normalise", scene=path, output=folder)


def _cogeo(path: Path) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(dir=cache_folder()) as folder:
        return run_peer("cogeo_create", scene=path, output=Path(folder) / "scene.tif")
