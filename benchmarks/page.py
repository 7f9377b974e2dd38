"""`page`: the page against its budget (docs/performance.md), in headless Chromium, served by a whole appliance.

The peer of every line is the budget. Chromium draws without a graphics card here, on the processor that also runs the
appliance: frames per second are what is left of it.
"""

from __future__ import annotations

import gzip
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import BrowserContext

from benchmarks import chromium, panning
from benchmarks.appliance import running
from benchmarks.crowded_scene import DATASET, Crowded, prepare
from benchmarks.report import Comparison, compare
from benchmarks.scenes import scene

_UI = Path(__file__).resolve().parents[1] / "appliance" / "ui"
_AXE = _UI / "node_modules" / "axe-core" / "axe.min.js"
_ROUNDS = 5


def run(quick: bool, part: str | None = None) -> Iterator[Comparison]:
    """Budgets: 1.5 s, 1 s, 350 kB, heap flat over ten minutes, 60 frames a second, no violation, no other host.

    Of `part`, "frames" or "heap", no more than that: the whole takes a quarter of an hour, most of it the heap.
    """
    if part not in {None, *_PARTS}:
        raise SystemExit(f"{part} is no part of this benchmark: --part {' or '.join(_PARTS)}")
    size, few, many = (1500, 2000, 5000) if quick else (10_000, 20_000, 100_000)
    with running(detector_workers=0) as appliance, tempfile.TemporaryDirectory() as folder:
        _note(f"one scene of {size} x {size}, runs of {few:,} and {many:,} detections")
        crowded = prepare(appliance, scene(size), (few, many), Path(folder))
        with chromium.opened(appliance.url, appliance.link) as context:
            if part:
                yield from _PARTS[part](context, crowded.address(few), few, quick)
                return
            hosts: set[str] = set()
            yield _weight()
            yield from _loading(context, crowded, few, 1 if quick else _ROUNDS, hosts)
            yield from _opening(context, crowded, many, 1 if quick else _ROUNDS, hosts)
            yield from _frames(context, crowded.address(few), few, quick)
            yield from _heap(context, crowded.address(few), few, quick, hosts)
            yield _accessibility(context, crowded.address(few))
            other = hosts - {appliance.url.split("//")[1]}
            yield _against("requests to other hosts", [float(len(other))], 0, "hosts")


def _against(metric: str, ours: list[float], budget: float, unit: str, better: str = "lower") -> Comparison:
    return compare("page", metric, ours, ("budget", [budget]), better, unit)


def _weight() -> Comparison:
    scripts = sorted((_UI / "dist" / "assets").glob("*.js"))
    if not scripts:
        raise SystemExit("The page is not built: make page")
    kilobytes = sum(len(gzip.compress(script.read_bytes(), 9)) for script in scripts) / 1000
    return _against("JavaScript, gzip", [kilobytes], 350, "kB")


def _loading(
    context: BrowserContext, crowded: Crowded, count: int, rounds: int, hosts: set[str]
) -> Iterator[Comparison]:
    """A link to the scene is opened, nothing cached."""
    found: dict[str, list[float]] = {"contentful": [], "picture": [], "detections": []}
    for _ in range(rounds):
        with chromium.watched(context) as one:
            one.session.send("Network.clearBrowserCache")
            one.page.goto(crowded.address(count))
            one.page.wait_for_function("() => window.__seen.picture && window.__seen.detections")
            seen = one.seen()
            for name, values in found.items():
                values.append(seen[name] / 1000)
            hosts |= one.hosts
    _note(f"loading: {found}")
    yield _against("largest contentful paint, cold", found["contentful"], 1.5, "s")
    yield _against("scene on the map, cold", found["picture"], 1.5, "s")
    yield _against(f"scene with {count:,} detections, cold", found["detections"], 1.5, "s")


def _opening(
    context: BrowserContext, crowded: Crowded, count: int, rounds: int, hosts: set[str]
) -> Iterator[Comparison]:
    """The scene's card is clicked in a page that stands open."""
    times = []
    for _ in range(rounds):
        with chromium.watched(context) as one:
            one.session.send("Network.clearBrowserCache")
            one.page.goto(f"/?dataset={DATASET}&run={crowded.runs[count]}")
            card = one.page.locator(".card-open").first
            card.wait_for()
            one.page.wait_for_timeout(500)
            one.page.evaluate("() => { window.__again(); document.querySelector('.card-open').click(); }")
            one.page.wait_for_function("() => window.__seen.picture && window.__seen.detections")
            seen = one.seen()
            times.append((seen["detections"] - seen["from"]) / 1000)
            hosts |= one.hosts
    _note(f"opening: {times}")
    yield _against(f"first paint of {count:,} detections, from the click", times, 1.0, "s")


def _frames(context: BrowserContext, address: str, count: int, quick: bool) -> Iterator[Comparison]:
    seconds = 1 if quick else 15
    with _shown(context, address) as one:
        rates = panning.frames_per_second(one, seconds)
    _note(f"panning: {rates}")
    with _shown(context, address) as other:
        bare = panning.bare_frames_per_second(other, seconds)
    metric = f"frames per second while panning, {count:,} shapes in view"
    yield _against(metric, [rates.median], 60, "fps", "higher")
    yield compare("page", metric, [rates.median], ("a bare canvas, redrawn", [bare.median]), "higher", "fps")
    yield _against("slowest twentieth of those frames", [rates.slow_milliseconds], 33.4, "ms")


def _heap(
    context: BrowserContext, address: str, count: int, quick: bool, hosts: set[str] | None = None
) -> Iterator[Comparison]:
    with _shown(context, address) as one:
        heap = panning.heap_over(one, seconds=4 if quick else 600, every=2 if quick else 60)
        if hosts is not None:
            hosts |= one.hosts
    _note(f"heap with {count:,} detections, MB: {heap}")
    whole, tenth = ("four seconds", "two seconds") if quick else ("ten minutes", "the first minute")
    peer = (f"the heap after {tenth}", [heap[0]])
    yield compare("page", f"heap after {whole} of panning", [heap[-1]], peer, "lower", "MB")


_PARTS = {"frames": _frames, "heap": _heap}


@contextmanager
def _shown(context: BrowserContext, address: str) -> Iterator[chromium.Watched]:
    """The page with picture and detections, at rest."""
    with chromium.watched(context) as one:
        one.page.goto(address)
        one.page.wait_for_function("() => window.__seen.picture && window.__seen.detections")
        one.settle()
        yield one


def _accessibility(context: BrowserContext, address: str) -> Comparison:
    """axe on the scene with its detections; tests/browser looks at every other place of the page."""
    violations = 0.0
    for scheme in ("dark", "light"):
        with chromium.watched(context) as one:
            one.page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
            one.page.goto(address)
            one.page.wait_for_function("() => window.__seen.detections")
            one.page.evaluate(_AXE.read_text(encoding="utf-8"))
            violations += one.page.evaluate("async () => (await axe.run(document)).violations.length")
    return _against("accessibility violations, dark and light", [violations], 0, "violations")


def _note(text: str) -> None:
    print(f"· {text}", file=sys.stderr, flush=True)
