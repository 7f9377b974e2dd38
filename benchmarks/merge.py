"""`merge`: seconds to resolve what overlapping tiles both saw, against sahi's NMM on the same boxes."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks import crowd
from benchmarks.environment import run_peer, run_side
from benchmarks.report import Comparison, compare, interleave

_BOXES = 33_337
_OVERLAP = 0.5


def run(quick: bool) -> Iterator[Comparison]:
    """At most 0.1 s, and at most half of sahi's index computation alone (sahi's prediction objects cost it more)."""
    with tempfile.TemporaryDirectory() as folder:
        arrays = crowd.seen_by_tiles(2000 if quick else _BOXES, tile=512, halo=64, seed=1)
        boxes = crowd.save(Path(folder) / "boxes.npz", arrays)
        results = interleave(
            1 if quick else 7,
            ours=lambda: run_side("merge", boxes=boxes, overlap=_OVERLAP),
            sahi=lambda: run_peer("sahi_merge", boxes=boxes, overlap=_OVERLAP),
        )
    ours = [result["seconds"] for result in results["ours"]]
    core = [result["core_seconds"] for result in results["sahi"]]
    whole = [result["seconds"] for result in results["sahi"]]
    yield compare("merge", "wall time of the merge", ours, ("sahi NMM", core), "lower", "s")
    yield compare("merge", "wall time of the merge", ours, ("sahi NMM with its objects", whole), "lower", "s")
