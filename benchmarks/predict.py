"""`predict`: tiles per second end to end against the bare backend, and megapixels per second against sahi."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.report import Comparison, compare, interleave
from benchmarks.scenes import scene
from benchmarks.settings import SAHI_DEFAULT_OVERLAP, megapixels_per_second, real_model, tiles_per_second

_BARE_TILES = 256


def run(quick: bool, size: int = 10_000) -> Iterator[Comparison]:
    """At least 0.90 of the bare backend (beside it ONNX Runtime as it comes), and 1.3 times sahi: at its default overlap, and at the overlap of our halo."""
    size = 1500 if quick else size
    path, settings = scene(size), real_model()
    results = interleave(
        1 if quick else 3,
        ours=lambda: settings.ours(path),
        bare=lambda: settings.bare(path, 8 if quick else _BARE_TILES),
        plain=lambda: settings.bare(path, 8 if quick else _BARE_TILES, plain=True),
        default=lambda: settings.sahi(path, SAHI_DEFAULT_OVERLAP),
        same=lambda: settings.sahi(path, settings.same_overlap),
    )
    for side, peer in (("bare", "bare"), ("plain", "onnxruntime, all threads on one batch")):
        tiles = (peer, tiles_per_second(results[side]))
        yield compare("predict", "tiles per second", tiles_per_second(results["ours"]), tiles, "higher", "tiles/s")
    ours = megapixels_per_second(size, results["ours"])
    for name, overlap in (("default", SAHI_DEFAULT_OVERLAP), ("same", settings.same_overlap)):
        sahi = (f"sahi, overlap {overlap:.3g}", megapixels_per_second(size, results[name]))
        yield compare("predict", f"megapixels per second at {size} x {size}", ours, sahi, "higher", "MP/s")
