"""The pictures of docs/page.md, taken by the tour. `make page-tour` takes them anew; other runs leave them alone."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from playwright.async_api import Page

FOLDER = Path(__file__).parents[2] / "docs" / "page"
WANTED = os.environ.get("VEDETTE_TAKE_PICTURES") == "1"
_LARGEST_BYTES = 400_000


@dataclass
class Pictures:
    """Of one page."""

    page: Page

    async def take(self, name: str) -> None:
        """As JPEG, once the page is still; fails when it is too large for the repository."""
        if not WANTED:
            return
        await self.page.wait_for_timeout(700)
        FOLDER.mkdir(exist_ok=True)
        path = FOLDER / f"{name}.jpg"
        await self.page.screenshot(path=path, type="jpeg", quality=80)
        assert path.stat().st_size < _LARGEST_BYTES, f"{path} is too large"
