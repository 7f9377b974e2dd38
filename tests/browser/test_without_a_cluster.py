"""A standalone appliance keeps no Detectors: their place says in one line what it needs, and nothing else changes."""

from __future__ import annotations

import pytest
from playwright.async_api import Page, expect

from tests.browser import steps
from tests.browser.test_accessibility import nothing_found
from tests.conftest import Stack

pytestmark = [pytest.mark.browser, pytest.mark.stack, pytest.mark.timeout(300)]


async def test_the_place_says_what_it_needs(signed_in: Page, stack: Stack) -> None:
    page = signed_in
    await page.get_by_role("button", name="Account of").click()
    await page.get_by_role("link", name="Detectors and trainings").click()
    await expect(page.get_by_role("main")).to_contain_text("live on a cluster, and this appliance runs without one")
    await nothing_found(page, "no cluster")
    written = await page.get_by_role("link", name="What they are").get_attribute("href")
    answer = await page.request.get(f"{stack.url}{written}")
    assert "# Detector and TrainingJob" in await answer.text()
    await page.get_by_role("link", name="Vedette").click()
    await page.get_by_role("button", name="Account of").wait_for()


async def test_no_button_asks_for_a_model(looking: Page) -> None:
    await steps.until_outlines(looking, drawn=True)
    await expect(looking.get_by_role("button", name="New model")).to_have_count(0)
