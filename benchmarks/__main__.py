"""`python -m benchmarks NAME [--quick]`: one JSON line per comparison on standard output."""

from __future__ import annotations

import argparse
import importlib

NAMES = ("predict", "feed", "memory", "merge", "normalise")


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("name", choices=NAMES)
    parser.add_argument("--quick", action="store_true", help="a small scene and one round: does it still run?")
    given = parser.parse_args()
    for comparison in importlib.import_module(f"benchmarks.{given.name}").run(given.quick):
        print(comparison.line(), flush=True)


if __name__ == "__main__":
    main()
