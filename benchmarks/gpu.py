"""`gpu`: what a card makes of a detector. Needs an NVIDIA card and a backend for it; says so in one sentence where there is none.

Every line stands beside its target's peer: batches beside single tiles, a run beside the bare backend, megapixels per second
beside the model's roofline, and beside what decoding gives by the kind of scene, which says what holds a run up.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from appliance.formats import model_package
from appliance.inference.backends import catalogue
from appliance.inference.gpu_meter import Card, GpuMeter
from benchmarks import roofline, stored
from benchmarks.environment import run_side
from benchmarks.report import Comparison, compare, interleave
from benchmarks.scenes import temporary_scene
from benchmarks.settings import Settings, megapixels_per_second, real_model, tiles_per_second

_BATCH = 16


@dataclass(frozen=True)
class Target:
    """The card and the backend that are measured, the latter bare with so many batches."""

    card: Card
    backend: str
    settings: Settings
    batches: int

    def bare(self, batch: int) -> dict[str, Any]:
        given = {"detector": self.settings.detector, "backend": self.backend}
        return run_side("device_bare", batch=batch, batches=self.batches, **given)

    def runs(self, scene: Path, runs: int = 1) -> dict[str, Any]:
        given = {"detector": self.settings.detector, "backend": self.backend}
        return run_side("device_runs", scene=scene, runs=runs, shared=1, batch=_BATCH, **given)


def run(quick: bool) -> Iterator[Comparison]:
    """Batches at least 3.5 times single tiles; the card busy for 0.95 of a run at 30,000; a run at least 0.95 of the bare backend."""
    targets = found(10 if quick else 200)
    size, rounds = (3000, 1) if quick else (30_000, 3)
    for target in targets:
        yield from _batching(target, rounds)
        yield from _end_to_end(target, size, rounds)
    yield from _decoding(targets[-1], 1500 if quick else 10_000, rounds)


def found(batches: int) -> list[Target]:
    """Of every backend that runs on the card, engines last. Ends the process in one sentence where there is nothing to measure."""
    cards = GpuMeter().cards()
    if not cards:
        raise SystemExit("There is no NVIDIA card on this machine: nothing was measured.")
    able = [entry.name for entry in catalogue.entries() if entry.device and not entry.missing()]
    if not able:
        raise SystemExit(
            f"No backend here computes on the {cards[0].name}: install the extra `gpu`; nothing was measured."
        )
    return [Target(cards[0], name, real_model(), batches) for name in able]


def _batching(target: Target, rounds: int) -> Iterator[Comparison]:
    results = interleave(
        rounds,
        batched=lambda: target.bare(_BATCH),
        single=lambda: target.bare(1),
    )
    name = f"{target.backend} on {target.card.name}, tiles per second"
    rates = {side: tiles_per_second(rounds) for side, rounds in results.items()}
    yield compare(
        "gpu",
        f"{name}, batches of {_BATCH}",
        rates["batched"],
        ("one tile at a time", rates["single"]),
        "higher",
        "tiles/s",
    )
    manifest = model_package.read(target.settings.detector).manifest
    peak = roofline.of_card(target.card)
    if peak is not None:
        work = roofline.of_model(target.settings.detector / "model.onnx", manifest)
        best = roofline.tiles_per_second(work, peak, _BATCH)
        yield compare(
            "gpu",
            f"{name}, batches of {_BATCH}",
            rates["batched"],
            ("the roofline in FP16", [best]),
            "higher",
            "tiles/s",
        )


def _end_to_end(target: Target, size: int, rounds: int) -> Iterator[Comparison]:
    with temporary_scene(size) as scene:
        results = interleave(
            rounds,
            run=lambda: target.runs(scene),
            two=lambda: target.runs(scene, 2),
            bare=lambda: target.bare(_BATCH),
        )
    at = f"at {size} x {size}, {target.backend}"
    ran, two, bare = (tiles_per_second(results[side]) for side in ("run", "two", "bare"))
    yield compare("gpu", f"tiles per second {at}", ran, ("the bare backend", bare), "higher", "tiles/s")
    yield compare("gpu", f"tiles per second of two runs {at}", two, ("one run", ran), "higher", "tiles/s")
    yield compare(
        "gpu", f"share of the time that the model had work {at}", busy(results["run"]), ("always", [1.0]), "higher", "1"
    )
    if all("joules" in each for each in results["run"]):
        thrift = [each["megapixels"] / each["joules"] for each in results["run"]]
        idle = [each["megapixels"] / each["joules"] for each in results["two"]]
        yield compare("gpu", f"megapixels per joule of two runs {at}", idle, ("one run", thrift), "higher", "MP/J")


def _decoding(target: Target, size: int, rounds: int) -> Iterator[Comparison]:
    """What the card could take, beside what all cores decode of the same scene stored in several ways."""
    manifest = model_package.read(target.settings.detector).manifest
    core = (manifest.input.tile_size - 2 * manifest.input.halo) ** 2 / 1e6
    bare = [rate * core for rate in tiles_per_second([target.bare(_BATCH) for _ in range(rounds)])]
    with tempfile.TemporaryDirectory() as folder, temporary_scene(size) as path:
        for way, copy in stored.copies(path, Path(folder)):
            decoded = [run_side("decode", scene=copy, threads=os.cpu_count() or 1) for _ in range(rounds)]
            yield compare(
                "gpu",
                f"decoding {way}",
                megapixels_per_second(size, decoded),
                ("the bare backend", bare),
                "higher",
                "MP/s",
            )


def busy(results: list[dict[str, Any]]) -> list[float]:
    """Of each run, the share of its time in which a batch was in the model."""
    return [1 - result["idle_seconds"] / result["seconds"] for result in results]
