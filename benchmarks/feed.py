"""`feed`: what a fast GPU will see. The model answers at once, so all that is left is reading, cutting, merging, writing."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.report import Comparison, compare, interleave
from benchmarks.scenes import scene
from benchmarks.settings import SAHI_DEFAULT_OVERLAP, instant_model, megapixels_per_second


def run(quick: bool) -> Iterator[Comparison]:
    """At least 0.6 of bare parallel decoding of the same file, and 5 times sahi with the same instant model."""
    size = 1500 if quick else 10_000
    path = scene(size)
    with instant_model() as settings:
        results = interleave(
            1 if quick else 7,
            ours=lambda: settings.ours(path),
            decode=lambda: settings.decode(path),
            sahi=lambda: settings.sahi(path, SAHI_DEFAULT_OVERLAP),
        )
    rates = {name: megapixels_per_second(size, rounds) for name, rounds in results.items()}
    metric = f"megapixels per second at {size} x {size}"
    yield compare("feed", metric, rates["ours"], ("decode", rates["decode"]), "higher", "MP/s")
    yield compare("feed", metric, rates["ours"], ("sahi", rates["sahi"]), "higher", "MP/s")
