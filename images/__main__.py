"""`python -m images build [NAME...]` builds; `python -m images archive [NAME...]` writes a stream for `ctr images import`."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from appliance.contracts.errors import VedetteError
from appliance.standalone.binaries import cache_folder
from images import archive, report
from images.build import EPOCH, Builder, Built, sole
from images.catalogue import images, version
from images.store import Store

REPOSITORY = Path(__file__).parents[1]
VALUES = REPOSITORY / "build/images/values.yaml"
STORE = Store(cache_folder() / "images")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m images", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, help_ in (("build", "build images and say how large they are"), ("archive", "write images to stdout")):
        command = commands.add_parser(name, help=help_)
        command.add_argument("names", nargs="*", metavar="NAME", help="all, unless some are named")
        if name == "build":
            command.add_argument(
                "--fresh", action="store_true", help="make every layer anew, with Debian's latest fixes"
            )
    options = parser.parse_args(arguments)
    try:
        if options.command == "build":
            print(report.table(build(options.names, fresh=options.fresh)))
            print(f"\nValues for the chart: {VALUES.relative_to(REPOSITORY)}; images in {STORE.folder}")
        else:
            archive.write(STORE, report.read(VALUES, options.names, version(REPOSITORY)), sys.stdout.buffer)
    except VedetteError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def build(
    names: Sequence[str] = (), *, fresh: bool = False, store: Store = STORE, values: Path = VALUES
) -> list[Built]:
    """Those named, or all; says so in the values file, where others stay as they are."""
    epoch = int(os.environ.get("SOURCE_DATE_EPOCH") or EPOCH)
    with sole(store), Builder(store, epoch, lambda text: print(f"· {text}", file=sys.stderr), fresh=fresh) as builder:
        wanted = report.choose(images(REPOSITORY, builder.unpacked), names)
        built = [builder.image(image, version(REPOSITORY)) for image in wanted]
        store.forget_unused()
    report.write(values, built)
    return built


if __name__ == "__main__":
    raise SystemExit(main())
