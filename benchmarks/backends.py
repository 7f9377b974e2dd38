"""`backends`: what `auto` chooses against the fastest backend that is measured here, and each backend against its bare library."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from appliance.formats import model_package
from appliance.inference.backends import catalogue, choice, probe
from appliance.inference.backends.base import Allowance
from appliance.inference.backends.measure import seconds_per_tile
from benchmarks.environment import run_side
from benchmarks.report import Comparison, compare, interleave
from benchmarks.settings import Settings, real_model

_BARE = ("onnxruntime", "openvino")


def run(quick: bool) -> Iterator[Comparison]:
    """The choice within 5 % of the best (ratio at least 0.95), the wrapper within 2 % of the bare library (0.98)."""
    settings = real_model()
    yield _choice(settings, quick)
    for name in _BARE:
        sides = {"detector": settings.detector, "batch": settings.batch, "threads": settings.threads}
        told = [run_side("backends", backend=name, rounds=1 if quick else 9, **sides) for _ in range(1 if quick else 2)]
        bare = (f"bare {name}", [each["bare"] for each in told])
        yield compare(
            "backends", f"tiles per second, {name}", [each["ours"] for each in told], bare, "higher", "tiles/s"
        )


def _choice(settings: Settings, quick: bool) -> Comparison:
    """Each backend that can run here is measured anew, in turn, after `auto` has chosen on its own."""
    package = model_package.read(settings.detector)
    allowance = Allowance(settings.threads, settings.batch)
    tiles = probe.tiles(package.manifest.input, settings.batch)
    with (
        tempfile.TemporaryDirectory() as folder,
        closing(choice.open_backend(catalogue.AUTO, package, allowance, Path(folder)).backend) as chosen,
    ):
        name = chosen.about.name

    def rate(entry: catalogue.Entry) -> float:
        with closing((entry.measured or entry.open)(package, allowance)) as backend:
            backend.infer(tiles)
            return 1 / seconds_per_tile(backend, tiles, 0.5 if quick else 5.0)

    able = [each for each in catalogue.measurable() if not each.missing() and not each.unready(package, allowance)]
    rates = interleave(1 if quick else 5, **{entry.name: lambda entry=entry: rate(entry) for entry in able})
    best = max(rates, key=lambda each: sorted(rates[each])[len(rates[each]) // 2])
    others = ", ".join(each for each in rates if each != best)
    peer = (f"the fastest of {best}, {others}" if others else best, rates[best])
    return compare("backends", f"tiles per second, auto chose {name}", rates[name], peer, "higher", "tiles/s")
