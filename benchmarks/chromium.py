"""A signed-in page in headless Chromium, and what can be asked of it from outside. Used by the `page` benchmark."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, CDPSession, Page, sync_playwright

_SWITCHES = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
VIEW = {"width": 1440, "height": 900}

# Looks at the map itself, frame by frame, at each of its canvases: a picture is there when the middle of one has many colours,
# detections when the colour of the first class is among them. Nothing in the page knows of it.
_WATCH = """() => {
    const seen = (window.__seen = { frames: [] });
    new PerformanceObserver((list) => {
        for (const entry of list.getEntries()) seen.contentful = entry.startTime;
    }).observe({ type: "largest-contentful-paint", buffered: true });
    const middle = (canvas) => {
        const side = Math.min(canvas.width, canvas.height, 240);
        return canvas.getContext("2d").getImageData((canvas.width - side) / 2, (canvas.height - side) / 2, side, side).data;
    };
    const look = () => {
        const canvases = seen.picture && seen.detections ? [] : [...document.querySelectorAll(".map canvas")].filter((each) => each.width > 0);
        for (const pixels of canvases.map(middle)) {
            const colours = new Set();
            let first = 0;
            for (let at = 0; at < pixels.length; at += 4) {
                const [red, green, blue] = [pixels[at], pixels[at + 1], pixels[at + 2]];
                colours.add(((red >> 4) << 8) | ((green >> 4) << 4) | (blue >> 4));
                if (Math.abs(red - 230) + Math.abs(green - 159) + blue < 60) first += 1;
            }
            const now = performance.now();
            if (!seen.picture && colours.size > 24) seen.picture = now;
            if (!seen.detections && first > 100) seen.detections = now;
        }
        requestAnimationFrame(look);
    };
    const start = () => requestAnimationFrame(look);
    window.__again = () => { delete seen.picture; delete seen.detections; seen.from = performance.now(); };
    window.__count = () => {
        seen.frames = [];
        const note = (at) => { if (seen.frames) { seen.frames.push(at); requestAnimationFrame(note); } };
        requestAnimationFrame(note);
    };
    start();
}"""


@dataclass
class Watched:
    """A page, the hosts it spoke to, and its debugging session."""

    page: Page
    session: CDPSession
    hosts: set[str] = field(default_factory=set)
    requests: int = 0

    def seen(self) -> dict[str, Any]:
        """Milliseconds since navigation at which a picture, detections, the largest contentful paint came."""
        found: dict[str, Any] = self.page.evaluate("() => ({ ...window.__seen, frames: undefined })")
        return found

    def settle(self) -> None:
        """Wait until the page has asked for nothing new for three seconds, a minute at most."""
        for _ in range(20):
            before = self.requests
            self.page.wait_for_timeout(3000)
            if self.requests == before:
                return

    def heap_megabytes(self) -> float:
        """JavaScript objects that are alive, after a collection."""
        for _ in range(2):
            self.session.send("HeapProfiler.collectGarbage")
        return float(self.session.send("Runtime.getHeapUsage")["usedSize"]) / 1e6


@contextmanager
def opened(url: str, link: str) -> Iterator[BrowserContext]:
    """A browser in which the administrator is signed in."""
    executable = os.environ.get("VEDETTE_CHROMIUM") or shutil.which("chromium")
    if executable is None:
        raise SystemExit("Chromium is not installed: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=_SWITCHES)
        context = browser.new_context(viewport=VIEW, color_scheme="dark", base_url=url)  # type: ignore[arg-type]
        context.set_default_timeout(60_000)
        page = context.new_page()
        page.goto(link)
        page.get_by_role("button", name="Account of").wait_for()
        page.close()
        yield context
        browser.close()


@contextmanager
def watched(context: BrowserContext) -> Iterator[Watched]:
    """A fresh page whose every request is noted."""
    page = context.new_page()
    found = Watched(page, context.new_cdp_session(page))

    def note(url: str) -> None:
        found.requests += 1
        if url.startswith(("http", "ws")):
            found.hosts.add(urlsplit(url).netloc)

    page.on("request", lambda request: note(request.url))
    page.add_init_script(f"({_WATCH})()")
    yield found
    page.close()
