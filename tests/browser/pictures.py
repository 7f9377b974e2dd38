"""The pictures and the keys of docs/page.md, from the tour. `make page-tour` takes them anew; other runs leave them."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from playwright.async_api import Page

DOCUMENT = Path(__file__).parents[2] / "docs" / "page.md"
FOLDER = DOCUMENT.with_suffix("")
WANTED = os.environ.get("VEDETTE_TAKE_PICTURES") == "1"
_LARGEST_BYTES = 400_000
_HEAD = "| key | what it does |\n|---|---|\n"
_ROW = re.compile(r"^\| `(.+?)` \| (.+) \|$", re.MULTILINE)


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


def documented_keys() -> list[tuple[str, str]]:
    """The table at the end of docs/page.md: each key and what it does."""
    return _ROW.findall(DOCUMENT.read_text("utf-8").partition(_HEAD)[2])


def document_keys(keys: list[tuple[str, str]]) -> None:
    """Writes that table anew, where the pictures are taken anew."""
    if WANTED:
        before = DOCUMENT.read_text("utf-8").partition(_HEAD)[0]
        DOCUMENT.write_text(before + _HEAD + "".join(f"| `{key}` | {what} |\n" for key, what in keys), "utf-8")
