"""Ours: `vision.merge.resolve` over an .npz of boxes (K, 4) x0,y0,x1,y1, scores, classes and tile (K,) each."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np

from appliance.vision.candidates import Candidates
from appliance.vision.merge import resolve
from benchmarks.sides.process import answer


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--boxes", type=Path, required=True)
    parser.add_argument("--overlap", type=float, required=True)
    given = parser.parse_args()
    with np.load(given.boxes) as arrays:
        corners = arrays["boxes"].astype(np.float64)
        scores, classes, tile = arrays["scores"], arrays["classes"], arrays["tile"]
    centre, size = (corners[:, :2] + corners[:, 2:]) / 2, corners[:, 2:] - corners[:, :2]
    boxes = np.column_stack([centre, size, np.zeros(len(corners))])
    candidates = Candidates(tile, boxes, scores, classes)
    resolve(candidates.take(np.arange(100)), given.overlap)
    start = time.perf_counter()
    kept = resolve(candidates, given.overlap)
    seconds = time.perf_counter() - start
    answer(seconds=seconds, kept=int(kept.sum()))


if __name__ == "__main__":
    main()
