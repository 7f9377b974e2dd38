"""Panning as a hand does it, and what that costs: frames and memory. Used by the `page` benchmark."""

from __future__ import annotations

import time
from dataclasses import dataclass
from itertools import pairwise
from random import Random

from benchmarks.chromium import VIEW, Watched

_PIXELS_A_SECOND = 600
_TO_AND_FRO = 300


@dataclass(frozen=True)
class Frames:
    """Per second, the median over the seconds; the 95th percentile of the time between two, in milliseconds."""

    median: float
    slow_milliseconds: float


def frames_per_second(watched: Watched, seconds: int) -> Frames:
    """Pan for so many seconds, to and fro, and count the frames that the page got to draw."""
    watched.page.evaluate("() => window.__count()")
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        _drag(watched, _TO_AND_FRO, 0)
        _drag(watched, -_TO_AND_FRO, 0)
    frames: list[float] = watched.page.evaluate(
        "() => { const all = window.__seen.frames; window.__seen.frames = null; return all; }"
    )
    spans = sorted(after - before for before, after in pairwise(frames))
    whole = (frames[-1] - frames[0]) / 1000
    return Frames(len(spans) / whole, spans[int(len(spans) * 0.95)])


# One canvas as large as the map, painted anew at every frame by one call: nobody's map can be faster than this.
_BARE = """() => {
    const box = document.querySelector(".map").getBoundingClientRect();
    const make = () => Object.assign(document.createElement("canvas"), { width: box.width, height: box.height });
    const [shown, hidden] = [make(), make()];
    const paint = hidden.getContext("2d");
    for (let at = 0; at < 20000; at += 1) {
        paint.fillStyle = `hsl(${at % 360} 50% 50%)`;
        paint.fillRect(Math.random() * box.width, Math.random() * box.height, 20, 20);
    }
    shown.style.cssText = `position: fixed; left: ${box.x}px; top: ${box.y}px; touch-action: none`;
    document.body.replaceChildren(shown);
    const target = shown.getContext("2d");
    let step = 0;
    const draw = () => {
        step = (step + 10) % 200;
        target.clearRect(0, 0, shown.width, shown.height);
        target.drawImage(hidden, step, 0);
        requestAnimationFrame(draw);
    };
    draw();
}"""


def bare_frames_per_second(watched: Watched, seconds: int) -> Frames:
    """What this machine's browser gets to draw of a bare canvas under the same hand. The page is gone afterwards."""
    watched.page.evaluate(_BARE)
    return frames_per_second(watched, seconds)


def heap_over(watched: Watched, seconds: float, every: float) -> list[float]:
    """Wander over the scene at several zooms; megabytes alive after each `every` seconds."""
    random, found = Random(1), []
    start = time.monotonic()
    while time.monotonic() - start < seconds:
        until = start + every * (len(found) + 1)
        while time.monotonic() < until:
            watched.page.keyboard.press(random.choice("0++"))
            watched.page.wait_for_timeout(300)
            for _ in range(4):
                _drag(watched, random.randint(-500, 500), random.randint(-300, 300))
        watched.page.keyboard.press("0")
        watched.page.wait_for_timeout(2000)
        found.append(round(watched.heap_megabytes(), 2))
    return found


def _drag(watched: Watched, across: int, down: int) -> None:
    """Done by the browser itself at its own pace: a finger on the middle of the map."""
    gesture = {"x": VIEW["width"] // 2, "y": VIEW["height"] // 2, "xDistance": across, "yDistance": down}
    watched.session.send(
        "Input.synthesizeScrollGesture",
        {**gesture, "speed": _PIXELS_A_SECOND, "gestureSourceType": "touch", "preventFling": True},
    )
