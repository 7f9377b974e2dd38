"""Chromium, and a signed-in page of a whole appliance that has one detector."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page, Request, async_playwright

from scripts import fetch_data
from tests import blobs
from tests.browser import steps
from tests.conftest import Stack

ROOT = Path(__file__).parents[2]
Ask = Callable[..., Any]
CHROMIUM = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]


@pytest.fixture(scope="session")
def real_scene() -> Path:
    """NEON's OSBS_029.tif: 400 x 400 pixels of 0.1 m in EPSG:32617, open woodland from the air."""
    return fetch_data.fetch() / "OSBS_029.tif"


@pytest.fixture(scope="session")
def detector(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The detector `blobs 1.0.0`: local maxima brighter than 100."""
    package = tmp_path_factory.mktemp("package") / "blobs"
    blobs.write_package(package)
    applied = stack.vedette("detector", "apply", str(package))
    assert applied.returncode == 0, applied.stderr
    return "blobs"


@pytest.fixture(scope="session")
def ask(stack: Stack) -> Iterator[Ask]:
    """What the API answers to a program, to check the page against: `ask("/api/runs", limit=1)`."""
    headers = {"Authorization": f"Bearer {stack.token}"}
    with httpx.Client(base_url=stack.url, headers=headers, timeout=30) as client:

        def answer(path: str, **query: Any) -> Any:
            return client.get(path, params=query).raise_for_status().json()

        yield answer


@pytest_asyncio.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    executable = os.environ.get("VEDETTE_CHROMIUM") or shutil.which("chromium")
    if executable is None:
        pytest.skip("Chromium is not installed: apt-get install chromium")
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(executable_path=executable, args=CHROMIUM)
        yield launched
        await launched.close()


@asynccontextmanager
async def fresh_context(browser: Browser) -> AsyncIterator[BrowserContext]:
    opened = await browser.new_context(viewport={"width": 1440, "height": 900}, color_scheme="dark")
    opened.set_default_timeout(60_000)
    yield opened
    await opened.close()


@asynccontextmanager
async def watched_page(context: BrowserContext, stack: Stack) -> AsyncIterator[Page]:
    """A page that speaks to the appliance and its store on this machine alone, and throws no error."""
    opened = await context.new_page()
    errors: list[str] = []
    hosts: set[str] = set()

    def heard(request: Request) -> None:
        if request.url.startswith("http"):
            hosts.add(urlsplit(request.url).hostname or "")

    opened.on("pageerror", lambda error: errors.append(str(error)))
    opened.on("request", heard)
    yield opened
    assert errors == []
    assert hosts == {urlsplit(stack.url).hostname}


@pytest_asyncio.fixture
async def context(browser: Browser) -> AsyncIterator[BrowserContext]:
    async with fresh_context(browser) as opened:
        yield opened


@pytest_asyncio.fixture
async def page(context: BrowserContext, stack: Stack) -> AsyncIterator[Page]:
    async with watched_page(context, stack) as opened:
        yield opened


def one_time_link(stack: Stack) -> str:
    """As `vedette link create` makes it, without the seconds that a command takes to start (tests/end_to_end runs that)."""
    headers = {"Authorization": f"Bearer {stack.token}"}
    made = httpx.post(f"{stack.url}/api/links", json={}, headers=headers, timeout=30).raise_for_status()
    url: str = made.json()["url"]
    return url


async def sign_in(page: Page, stack: Stack) -> None:
    await page.goto(one_time_link(stack))
    await page.get_by_role("button", name="Account of").wait_for()


@pytest_asyncio.fixture
async def signed_in(page: Page, stack: Stack, detector: str) -> Page:
    await sign_in(page, stack)
    return page


async def upload_and_detect(page: Page, scene: Path) -> None:
    """From a signed-in page to a run's detections on the map, in a dataset of its own."""
    await steps.new_dataset(page, f"Woodland {secrets.token_hex(3)}")
    await steps.choose_files(page, scene)
    await steps.open_scene(page, scene.name)
    await steps.run_detector(page)
    await steps.until_outlines(page, drawn=True)


@pytest_asyncio.fixture
async def detections(signed_in: Page, real_scene: Path) -> Page:
    """The page with a run's detections on the map, for a test that changes what the appliance holds."""
    await upload_and_detect(signed_in, real_scene)
    return signed_in


@dataclass(frozen=True)
class CommonScene:
    """What the page showed at once after an upload and a run: its address, and the number of detections."""

    address: str
    shown: int


@pytest_asyncio.fixture(scope="session")
async def common_scene(browser: Browser, stack: Stack, detector: str, real_scene: Path) -> CommonScene:
    """A scene whose detections nobody changes: uploaded and run once, on a page as strict as every other."""
    async with fresh_context(browser) as context, watched_page(context, stack) as page:
        await sign_in(page, stack)
        await upload_and_detect(page, real_scene)
        await page.wait_for_url(lambda url: "run=" in url)
        return CommonScene(page.url, await steps.shown(page))


@pytest_asyncio.fixture
async def looking(signed_in: Page, common_scene: CommonScene) -> Page:
    """A page of the test's own with the common scene's detections on the map, for a test that only looks."""
    await signed_in.goto(common_scene.address)
    await signed_in.get_by_test_id("shown").wait_for()
    await steps.until_outlines(signed_in, drawn=True)
    return signed_in
