"""Ours: `normalise`, an original to a COG with statistics, footprint and thumbnail, in its confined process."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from appliance.media.normalise import normalise
from benchmarks.sides.process import answer


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--scene", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    given = parser.parse_args()
    start = time.perf_counter()
    result = normalise(given.scene, given.scene.name, given.output)
    seconds = time.perf_counter() - start
    answer(seconds=seconds, bytes=result.scene_path.stat().st_size)


if __name__ == "__main__":
    main()
