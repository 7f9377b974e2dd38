"""`python -m benchmarks NAME [--quick]`: one JSON line per comparison on standard output."""

from __future__ import annotations

import argparse
import importlib

NAMES = ("predict", "feed", "memory", "merge", "normalise", "tiles", "vectors", "dispatch", "ingest", "page")


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("name", choices=NAMES)
    parser.add_argument("--quick", action="store_true", help="a small scene and one round: does it still run?")
    parser.add_argument("--size", type=int, help="predict only: another side of the scene than 10000 pixels")
    given = parser.parse_args()
    if given.size and given.name != "predict":
        parser.error("--size is for predict only")
    sized = {"size": given.size} if given.size else {}
    for comparison in importlib.import_module(f"benchmarks.{given.name}").run(given.quick, **sized):
        print(comparison.line(), flush=True)


if __name__ == "__main__":
    main()
