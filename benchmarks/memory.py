"""`memory`: peak resident memory of a prediction as the scene grows, ours and sahi's.

The real model is loaded and takes the first batches, so that all its memory is held; then the instant one answers: the
whole of a large scene goes by in seconds instead of a quarter of an hour. VmHWM of the predicting process is exact.
"""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.report import Comparison, compare
from benchmarks.scenes import temporary_scene
from benchmarks.settings import SAHI_DEFAULT_OVERLAP, instant_model

_REAL_BATCHES = 10


def run(quick: bool) -> Iterator[Comparison]:
    """At 30,000 at most 1.1 times ours at 10,000, and at most 900 MB. Beside it ours against sahi at 10,000 and 20,000."""
    unit = 1500 if quick else 10_000
    with instant_model(2 if quick else _REAL_BATCHES) as settings:
        ours, sahi = [], []
        for factor in (1, 2):
            with temporary_scene(factor * unit) as path:
                ours.append(settings.ours(path)["peak_megabytes"])
                sahi.append(settings.sahi(path, SAHI_DEFAULT_OVERLAP)["peak_megabytes"])
        with temporary_scene(3 * unit) as path:
            largest = settings.ours(path)["peak_megabytes"]
    metric = f"peak memory at {3 * unit} x {3 * unit}"
    yield compare("memory", metric, [largest], (f"ours at {unit} x {unit}", ours[:1]), "lower", "MB")
    for place, size in enumerate((unit, 2 * unit)):
        metric = f"peak memory at {size} x {size}"
        yield compare("memory", metric, [ours[place]], ("sahi", [sahi[place]]), "lower", "MB")
