"""Comparing: two versions of a detector, detections against annotations, two scenes of one place; by link and by keyboard."""

from __future__ import annotations

import secrets
from pathlib import Path

import pytest
from playwright.async_api import BrowserContext, Page, expect

from tests import blobs
from tests.browser import steps
from tests.browser.conftest import Ask
from tests.conftest import Stack

pytestmark = [pytest.mark.browser, pytest.mark.stack, pytest.mark.timeout(400)]


@pytest.fixture(scope="module")
def dataset(stack: Stack, detector: str, real_scene: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A scene that two versions of a detector have looked at, with labels, and a second scene of the place."""
    folder = tmp_path_factory.mktemp("compared")
    blobs.write_package(folder / "blobs", version="1.1.0")
    later = folder / "later.tif"
    later.write_bytes(real_scene.read_bytes() + b"\0")  # the same picture with another digest: another item
    name = f"compare-{secrets.token_hex(3)}"
    for command in (
        ("detector", "apply", str(folder / "blobs")),
        ("dataset", "create", name),
        ("item", "push", str(real_scene), str(later), "--dataset", name, "--wait"),
        ("dataset", "import", str(real_scene.with_suffix(".csv")), "--dataset", name),
        ("run", "start", real_scene.name, later.name, "--dataset", name, "--detector", f"{detector}@1.0.0", "--wait"),
        ("run", "start", real_scene.name, "--dataset", name, "--detector", f"{detector}@1.1.0", "--wait"),
    ):
        done = stack.vedette(*command)
        assert done.returncode == 0, done.stderr
    return name


@pytest.fixture
async def compared(signed_in: Page, stack: Stack, dataset: str, real_scene: Path) -> Page:
    """The page on that scene. Nothing here changes what the appliance holds."""
    await signed_in.goto(f"{stack.url}/?dataset={dataset}")
    await steps.open_scene(signed_in, real_scene.name)
    await steps.until_outlines(signed_in, drawn=True)
    return signed_in


async def numbers(page: Page) -> dict[str, int]:
    """`only left`, `on both`, `only right`, once they are there."""
    shown = page.get_by_test_id("difference")
    await shown.wait_for()
    words = [await part.inner_text() for part in await shown.locator("dt, dd").all()]
    return {name: int("".join(filter(str.isdigit, value))) for name, value in zip(words[::2], words[1::2], strict=True)}


async def test_two_versions_are_swiped_counted_and_sent_as_a_link(
    compared: Page, context: BrowserContext, ask: Ask
) -> None:
    page = compared
    await page.keyboard.press("c")
    bar = page.get_by_role("group", name="Compare", exact=True)
    await expect(bar.get_by_test_id("left-side")).to_have_text("blobs 1.1.0")
    await expect(bar.get_by_label("Compare with")).to_contain_text("blobs 1.0.0")
    run = steps.query(page)["run"]
    # Both versions find the same: what differs are the thresholds.
    await steps.set_threshold(page, 0.95)
    high, low = (ask(f"/api/runs/{run}/detections", min_score=score, limit=1)["total"] for score in (0.95, 0.4))
    assert 0 < high < low
    assert await numbers(page) == {"only left": 0, "on both": high, "only right": low - high}
    await bar.get_by_label("Right side: lowest score").fill("0.95")
    assert await numbers(page) == {"only left": 0, "on both": high, "only right": 0}

    divider = page.get_by_role("slider", name="Divider")
    await divider.focus()
    await page.keyboard.press("ArrowRight")
    await expect(divider).to_have_attribute("aria-valuenow", "52")
    grip, stage = await divider.bounding_box(), await page.locator(".stage").bounding_box()
    assert grip is not None
    assert stage is not None
    await page.mouse.move(grip["x"], stage["y"] + 400)
    await page.mouse.down()
    await page.mouse.move(stage["x"] + stage["width"] * 0.3, stage["y"] + 400, steps=5)
    await page.mouse.up()
    await expect(divider).to_have_attribute("aria-valuenow", "30")
    await page.wait_for_timeout(300)  # the address is written at most five times a second
    assert await steps.violations(page) == []

    colleague = await context.new_page()
    await colleague.goto(page.url)
    await expect(colleague.get_by_role("slider", name="Divider")).to_have_attribute("aria-valuenow", "30")
    assert await numbers(colleague) == {"only left": 0, "on both": high, "only right": 0}
    await colleague.keyboard.press("Escape")
    await expect(colleague.get_by_role("group", name="Compare", exact=True)).to_have_count(0)
    await colleague.close()


async def test_annotations_and_a_second_scene_are_the_other_side(compared: Page, ask: Ask, real_scene: Path) -> None:
    page = compared
    await page.get_by_role("button", name="Compare", exact=True).click()
    choice = page.get_by_label("Compare with")
    await choice.select_option("annotations")
    evaluation = ask(f"/api/runs/{steps.query(page)['run']}/evaluation")
    point = evaluation["point"]
    assert await numbers(page) == {
        "only left": point["false_positives"],
        "on both": point["true_positives"],
        "only right": point["false_negatives"],
    }

    # With the focus on the left map, as every tool puts it there, the right side stays above it.
    await page.get_by_role("slider", name="Divider").focus()
    await page.keyboard.press("Home")
    await page.keyboard.press("m")
    await expect(page.locator(".map")).to_be_focused()
    await steps.until_outlines(page, drawn=False)
    await page.keyboard.press("Escape")

    await choice.select_option(label="later.tif")
    await page.get_by_role("button", name="Side by side").click()
    left, right = page.locator(".map"), page.get_by_test_id("right-side")
    widths = [(await side.bounding_box() or {"width": 0})["width"] for side in (left, right)]
    assert widths[0] == widths[1] > 300
    found = await numbers(page)
    assert found["on both"] > 10
    assert found["only left"] == found["only right"] == 0
    await page.get_by_role("button", name="Swap sides").click()
    await expect(steps.card(page, "later.tif")).to_have_attribute("data-current", "true")
    await expect(page.get_by_test_id("left-side")).to_have_text("later.tif")
    await expect(choice).to_contain_text(real_scene.name)
    await page.go_back()
    await expect(steps.card(page, real_scene.name)).to_have_attribute("data-current", "true")
    await expect(choice.locator("option:checked")).to_have_text("later.tif")
