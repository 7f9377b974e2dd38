"""Upload to detections in Chromium, on a real scene with the whole appliance behind the page."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import Page, Request, expect

from tests.browser import steps
from tests.browser.conftest import Ask, CommonScene

pytestmark = [pytest.mark.browser, pytest.mark.stack, pytest.mark.timeout(400)]


def total(ask: Ask, run: str, score: float) -> int:
    found: int = ask(f"/api/runs/{run}/detections", min_score=score, limit=1)["total"]
    return found


async def test_upload_to_detections(looking: Page, common_scene: CommonScene, ask: Ask) -> None:
    page = looking
    run = steps.query(page)["run"]
    point: float = ask(f"/api/runs/{run}/histogram")["running_point"]
    assert common_scene.shown == await steps.shown(page) == total(ask, run, point) > 10

    asked: list[str] = []

    def heard(request: Request) -> None:
        if "/tiles/" in request.url or "/detections" in request.url or "/histogram" in request.url:
            asked.append(request.url)

    page.on("request", heard)
    counts = []
    for threshold in (0.5, 0.7, 0.9):
        await steps.set_threshold(page, threshold)
        counts.append(await steps.shown(page))
    assert asked == [], "the slider filters in the browser"
    page.remove_listener("request", heard)
    assert counts == [total(ask, run, threshold) for threshold in (0.5, 0.7, 0.9)]
    assert counts[0] > counts[-1]

    await steps.set_threshold(page, 1.0)
    await steps.until_outlines(page, drawn=False)
    await page.get_by_role("button", name="running point").click()
    await steps.until_outlines(page, drawn=True)
    await page.keyboard.press("h")
    await steps.until_outlines(page, drawn=False)


async def test_the_address_is_the_state(looking: Page) -> None:
    page = looking
    await steps.set_threshold(page, 0.5)
    before = await steps.shown(page)
    await page.get_by_label("In view").get_by_role("listitem").nth(2).get_by_role("button").click()
    attributes = page.get_by_label("Selected detection")
    await attributes.wait_for()
    first = page.url
    await page.get_by_role("button", name="Zoom out").click()
    await page.wait_for_function("(before) => location.href !== before", arg=first)
    await page.wait_for_timeout(1500)
    zoomed = page.url
    words = await attributes.inner_text()
    assert {"dataset", "scene", "run", "t", "sel", "at"} <= steps.query(page).keys()

    await page.reload()
    await steps.until_outlines(page, drawn=True)
    assert page.url == zoomed
    assert await steps.shown(page) == before
    assert await attributes.inner_text() == words

    await page.go_back()
    await attributes.wait_for(state="detached")
    await page.go_forward()
    await attributes.wait_for()


async def test_a_scene_is_deleted_unless_undone(detections: Page, real_scene: Path) -> None:
    page = detections
    card = steps.card(page, real_scene.name)
    await page.get_by_role("button", name=f"Delete {real_scene.name}").click()
    await expect(card).to_have_count(0)
    await page.get_by_role("button", name="Undo").click()
    await expect(card).to_have_count(1)
    await page.get_by_role("button", name=f"Delete {real_scene.name}").click()
    await expect(page.get_by_role("button", name="Undo")).to_have_count(0, timeout=30_000)
    await page.reload()
    await page.get_by_role("button", name="Add scenes").wait_for()
    await page.get_by_role("button", name="Choose files").wait_for()
    await expect(card).to_have_count(0)


async def test_sizes_filter_at_once_and_stay_in_the_address(looking: Page, ask: Ask) -> None:
    """Every blob is 12 pixels wide on pixels of 0.1 m: 1.2 m, 1.44 square metres."""
    page = looking
    everything = await steps.shown(page)
    sizes = page.get_by_label("Size and area")
    await sizes.get_by_label("Size from, in m").fill("1.3")
    await steps.until_outlines(page, drawn=False)
    await expect(page.get_by_test_id("shown")).to_have_text("0")
    await sizes.get_by_label("Size from, in m").fill("1.2")
    await sizes.get_by_label("Area to, in m²").fill("1.5")
    await steps.until_outlines(page, drawn=True)
    await expect(page.get_by_label("In view").get_by_role("listitem").first).to_be_visible()
    await page.wait_for_timeout(300)
    assert steps.query(page)["size"] == "1.2.."
    await page.reload()
    await steps.until_outlines(page, drawn=True)
    assert await steps.shown(page) == everything
    await expect(sizes.get_by_label("Area to, in m²")).to_have_value("1.5")
    await sizes.get_by_role("button", name="Any").click()
    await page.wait_for_timeout(300)
    assert not {"size", "area"} & steps.query(page).keys()
    assert await steps.violations(page) == []
