"""axe finds nothing against WCAG 2.2 AA, in every place of the page, dark and light."""

from __future__ import annotations

import secrets
from pathlib import Path

import pytest
from playwright.async_api import Page, Route, expect

from tests.browser import steps
from tests.conftest import Stack

pytestmark = [pytest.mark.browser, pytest.mark.stack, pytest.mark.timeout(400)]


async def nothing_found(page: Page, place: str) -> None:
    """Everything in the dark theme; in the light one what can differ, contrast. What fades is waited for."""
    await page.wait_for_timeout(200)
    assert await steps.violations(page) == [], place
    await page.emulate_media(color_scheme="light")
    await page.wait_for_timeout(200)
    assert await steps.violations(page, only="color-contrast") == [], f"{place}, light"
    await page.emulate_media(color_scheme="dark")


async def test_signing_in_and_the_first_dataset(page: Page, signed_in: Page, stack: Stack) -> None:
    async def none_yet(route: Route) -> None:
        await route.fulfill(json={"items": [], "next": None})

    await page.route("**/api/datasets", none_yet)  # another test's are there already
    await page.goto(stack.url)
    await page.get_by_role("heading", name="Name your first dataset").wait_for()
    await nothing_found(page, "the first dataset")
    await page.context.clear_cookies()
    await page.goto(stack.url)
    await page.get_by_role("button", name="Sign in").wait_for()
    await nothing_found(page, "signing in")


async def test_an_empty_dataset_and_a_failed_scene(signed_in: Page, tmp_path: Path) -> None:
    page = signed_in
    await steps.new_dataset(page, f"Empty {secrets.token_hex(3)}")
    await page.get_by_role("button", name="Choose files").wait_for()
    await nothing_found(page, "an empty dataset")
    broken = tmp_path / "broken.tif"
    broken.write_text("this is no image")
    await steps.choose_files(page, broken)
    card = steps.card(page, broken.name, "failed")
    await card.wait_for(timeout=steps.READY_MS)
    await card.get_by_role("button").first.click()
    await page.get_by_role("button", name="Try again").wait_for()
    await nothing_found(page, "a failed scene")


async def test_a_scene_with_detections(detections: Page) -> None:
    page = detections
    await steps.set_threshold(page, 0.9)  # a short list: what holds for ten rows holds for two hundred
    await nothing_found(page, "detections")
    await page.get_by_label("In view").get_by_role("listitem").first.get_by_role("button").click()
    await page.get_by_label("Selected detection").wait_for()
    await page.keyboard.press("e")
    await nothing_found(page, "editing a shape")
    await page.keyboard.press("Escape")
    await page.get_by_role("button", name="Accept").click()
    await expect(page.get_by_test_id("saved")).to_have_attribute("data-state", "saved", timeout=45_000)
    await page.keyboard.press(",")
    await nothing_found(page, "an annotation")
    for tool in ("Draw a box", "Draw a polygon"):
        await page.get_by_role("button", name=tool).click()
        await nothing_found(page, tool)
        await page.keyboard.press("Escape")
    for key, dialogue in (("F1", "Keys"), ("Control+k", "Find")):
        await page.keyboard.press(key)
        await page.get_by_role("dialog", name=dialogue).wait_for()
        await nothing_found(page, dialogue)
        await page.keyboard.press("Escape")
    for menu in ("Dataset:", "Picture", "Account of"):
        await page.get_by_role("button", name=menu).click()
        await nothing_found(page, menu)
        await page.keyboard.press("Escape")


async def test_the_status_page(signed_in: Page, stack: Stack) -> None:
    await signed_in.goto(f"{stack.url}/status")
    await signed_in.get_by_role("heading", name="Last failures").wait_for()
    await nothing_found(signed_in, "the status page")
