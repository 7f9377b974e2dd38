"""Pictures of the place for whoever works on it: VEDETTE_SHOTS names a folder; without it none are taken."""

from __future__ import annotations

import os
from pathlib import Path

from playwright.async_api import Page

_WIDTHS = (1280, 1920)


async def shot(page: Page, name: str) -> None:
    folder = os.environ.get("VEDETTE_SHOTS")
    if not folder:
        return
    for width in _WIDTHS:
        await page.set_viewport_size({"width": width, "height": 900})
        await page.wait_for_timeout(400)
        await page.screenshot(path=Path(folder) / f"{name}-{width}.png")
