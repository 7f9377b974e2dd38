"""`python -m benchmarks NAME [--quick]`: one JSON line per comparison on standard output."""

from __future__ import annotations

import argparse
import importlib

NAMES = (
    "backends",
    "predict",
    "feed",
    "memory",
    "merge",
    "normalise",
    "tiles",
    "vectors",
    "dispatch",
    "ingest",
    "page",
    "device",
    "gpu",
    "operator",
)


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("name", choices=NAMES)
    parser.add_argument("--quick", action="store_true", help="a small scene and one round: does it still run?")
    parser.add_argument(
        "--size", type=int, help="predict and device: another side of the scene; operator: another number of Detectors"
    )
    parser.add_argument("--style", help="tiles only: one of its styles, such as JPEG")
    parser.add_argument("--part", help="page only: frames or heap, without the rest")
    given = parser.parse_args()
    options: dict[str, object] = {}
    for option, names in (("size", ("predict", "device", "operator")), ("style", ("tiles",)), ("part", ("page",))):
        value = getattr(given, option)
        if value and given.name not in names:
            parser.error(f"--{option} is for {' and '.join(names)} only")
        options |= {option: value} if value else {}
    for comparison in importlib.import_module(f"benchmarks.{given.name}").run(given.quick, **options):
        print(comparison.line(), flush=True)


if __name__ == "__main__":
    main()
