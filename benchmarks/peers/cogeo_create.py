"""`rio cogeo create` alone, as a function: a COG with the same profile as ours. Prints seconds."""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

from rio_cogeo.cogeo import cog_translate
from rio_cogeo.profiles import cog_profiles


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--scene", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    given = parser.parse_args()
    profile = cog_profiles.get("zstd")
    profile.update(BLOCKXSIZE=512, BLOCKYSIZE=512, ZSTD_LEVEL=3, PREDICTOR=2, BIGTIFF="IF_SAFER")
    start = time.perf_counter()
    cog_translate(
        str(given.scene),
        str(given.output),
        profile,
        overview_resampling="average",
        config={"GDAL_NUM_THREADS": "ALL_CPUS", "GDAL_TIFF_INTERNAL_MASK": True},
        quiet=True,
    )
    seconds = time.perf_counter() - start
    print(json.dumps({"seconds": seconds, "bytes": given.output.stat().st_size}))


if __name__ == "__main__":
    main()
