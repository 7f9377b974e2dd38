"""Bare parallel GDAL decoding: every block of a scene once, into memory, nothing else. The ceiling of `feed`.

GDAL's own block threads, over windows of two block rows into one interleaved buffer: the fastest of the ways tried on
the benchmark's scenes (a thread and a handle each; one block row; four block rows; planes instead of pixels).
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import rasterio
from rasterio.windows import Window

from benchmarks.sides.process import answer

_ROWS = 1024


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--scene", type=Path, required=True)
    parser.add_argument("--threads", type=int, required=True)
    given = parser.parse_args()
    with rasterio.open(given.scene, num_threads=given.threads) as source:
        pixels = np.empty((_ROWS, source.width, source.count), source.dtypes[0])
        pixels[:] = 0
        start = time.perf_counter()
        for top in range(0, source.height, _ROWS):
            rows = min(_ROWS, source.height - top)
            source.read(window=Window(0, top, source.width, rows), out=pixels[:rows].transpose(2, 0, 1))
        seconds = time.perf_counter() - start
        megapixels = source.width * source.height / 1e6
    answer(seconds=seconds, megapixels=megapixels)


if __name__ == "__main__":
    main()
