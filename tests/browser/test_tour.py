"""The main job as an analyst does it, from the link to the last annotation. Takes the pictures of docs/page.md."""

from __future__ import annotations

import re
import secrets
import shutil
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from scripts import demo, fetch_data
from tests import blobs
from tests.browser import steps
from tests.browser.conftest import Ask, one_time_link
from tests.browser.pictures import Pictures, document_keys, documented_keys
from tests.conftest import Stack

pytestmark = [pytest.mark.browser, pytest.mark.stack, pytest.mark.timeout(500)]
LARGE = "2019_YELL_2_528000_4978000_image_crop2.png"


@pytest.fixture
def flight(tmp_path: Path) -> Path:
    """A folder as it comes from a flight: two real scenes, and a file of which half is missing."""
    source, folder = fetch_data.fetch(), tmp_path / "flight"
    folder.mkdir()
    for name in (demo.SCENE, "OSBS_029.tif"):
        shutil.copyfile(source / name, folder / name)
    (folder / "cut-off.tif").write_bytes((source / "OSBS_029.tif").read_bytes()[:20_000])
    return folder


@pytest.fixture(scope="module")
def detectors(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> None:
    """The demo's, and one that takes its time."""
    slow = blobs.write_package(tmp_path_factory.mktemp("slow") / "package", name="thorough", burn=4)
    for package in (slow.folder, demo.ROOT / "demo" / "tree-crowns"):
        applied = stack.vedette("detector", "apply", str(package))
        assert applied.returncode == 0, applied.stderr


async def run(page: Page, detector: str) -> None:
    await page.get_by_label("Detector", exact=True).select_option(detector)
    await page.get_by_role("button", name="Run", exact=True).click()


async def test_the_tour(page: Page, stack: Stack, detectors: None, flight: Path, ask: Ask) -> None:
    pictures = Pictures(page)
    await page.goto(stack.url)
    await page.get_by_role("button", name="Sign in").wait_for()
    await pictures.take("01-sign-in")
    await page.goto(one_time_link(stack))
    await page.get_by_role("button", name="Account of").wait_for()
    await pictures.take("02-first-dataset")
    await steps.new_dataset(page, f"Yellowstone {secrets.token_hex(3)}")

    await a_folder_becomes_scenes(page, pictures, flight)
    dataset = steps.query(page)["dataset"]
    labels = fetch_data.fetch() / demo.LABELS
    assert stack.vedette("dataset", "import", str(labels), "--dataset", dataset).returncode == 0

    await a_scene_becomes_detections(page, pictures, ask)
    await detections_become_annotations(page, pictures, ask)
    await detections_are_compared_and_measured(page, pictures)
    await a_run_is_cancelled_and_tried_again(page, pictures)
    await everything_by_keyboard_and_by_daylight(page, pictures)
    await page.get_by_role("button", name="Account of").click()
    await page.get_by_role("link", name="Status of the machine").click()
    await expect(page.get_by_role("row", name="cut-off.tif").first).to_be_visible()
    await pictures.take("14-status")


async def a_folder_becomes_scenes(page: Page, pictures: Pictures, folder: Path) -> None:
    over = await steps.drag_over(page, folder)
    await page.get_by_text("Drop to add to").wait_for()
    await pictures.take("03-drop")
    await over.drop()
    for name in (demo.SCENE, "OSBS_029.tif"):
        await steps.card(page, name, "ready").wait_for(timeout=steps.READY_MS)
    broken = steps.card(page, "cut-off.tif", "failed")
    await broken.wait_for(timeout=steps.READY_MS)
    await expect(broken.locator(".reason")).to_contain_text("cut-off.tif")
    await pictures.take("04-scenes")


async def a_scene_becomes_detections(page: Page, pictures: Pictures, ask: Ask) -> None:
    await steps.open_scene(page, demo.SCENE)
    await run(page, "tree-crowns 1.0.0")
    await page.get_by_test_id("shown").wait_for(timeout=steps.READY_MS)
    await steps.until_outlines(page, drawn=True)
    await page.get_by_test_id("precision").wait_for()
    await pictures.take("06-detections")
    found = steps.query(page)["run"]
    before = await steps.shown(page)
    precision = await page.get_by_test_id("precision").inner_text()
    await steps.set_threshold(page, 0.4)
    assert 0 < await steps.shown(page) < before
    assert await steps.shown(page) == ask(f"/api/runs/{found}/detections", min_score=0.4, limit=1)["total"]
    assert await page.get_by_test_id("precision").inner_text() != precision
    await pictures.take("07-threshold")
    await page.get_by_role("button", name="running point").click()


async def detections_become_annotations(page: Page, pictures: Pictures, ask: Ask) -> None:
    for _ in range(2):
        await page.keyboard.press("+")
        await page.wait_for_timeout(400)
    await steps.click_a_detection(page)
    await pictures.take("08-selected")
    await page.get_by_role("button", name="Accept").click()
    await page.get_by_label("Selected detection").wait_for()
    await page.get_by_role("button", name="Reject").click()
    await expect(page.locator('.detection-list li[data-verdict="rejected"]')).to_have_count(1)
    await page.get_by_role("button", name="Edit").click()
    await page.wait_for_timeout(600)
    await pictures.take("09-edit")
    await page.keyboard.press("Escape")
    x, y = await steps.middle(page)
    await page.get_by_role("button", name="Draw a box").click()
    await page.mouse.click(x - 70, y - 50)
    await page.mouse.click(x + 10, y + 30)
    await page.get_by_label("Annotation", exact=True).wait_for()
    await page.get_by_role("button", name="Draw a polygon").click()
    for across, down in ((60, -60), (160, -40), (150, 50), (80, 70)):
        await page.mouse.click(x + across, y + down)
    await page.mouse.move(x + 40, y + 20, steps=3)
    await pictures.take("10-draw")
    await page.mouse.dblclick(x + 40, y + 20)
    scene = steps.query(page)["scene"]
    await saved(page)
    assert drawn(ask, scene) == 2
    await page.keyboard.press("Control+z")
    await saved(page)
    assert drawn(ask, scene) == 1
    await page.keyboard.press("Control+Shift+z")
    await saved(page)
    assert drawn(ask, scene) == 2


async def detections_are_compared_and_measured(page: Page, pictures: Pictures) -> None:
    await page.keyboard.press("Escape")
    await page.keyboard.press("0")
    await page.keyboard.press("c")
    await page.get_by_label("Compare with").select_option("annotations")
    await page.get_by_test_id("difference").wait_for()
    await pictures.take("15-compare")
    await page.keyboard.press("c")
    await expect(page.get_by_role("group", name="Compare", exact=True)).to_have_count(0)
    await page.keyboard.press("m")
    x, y = await steps.middle(page)
    for across, down in ((-160, 60), (-20, -110), (150, 40), (150, 40)):
        await page.mouse.click(x + across, y + down)
    await expect(page.get_by_test_id("measure")).to_contain_text("px")
    await pictures.take("16-measure")
    await page.keyboard.press("Escape")


def drawn(ask: Ask, scene: str) -> int:
    said = ask(f"/api/items/{scene}/annotations", source="people", limit=1000)["items"]
    return sum(one["origin"] is None for one in said)


async def saved(page: Page) -> None:
    await expect(page.get_by_test_id("saved")).to_have_attribute("data-state", "saved", timeout=45_000)


async def a_run_is_cancelled_and_tried_again(page: Page, pictures: Pictures) -> None:
    await page.keyboard.press("0")
    await run(page, "thorough 1.0.0")
    strip = page.get_by_label("Running work")
    await expect(strip).to_contain_text(re.compile(r"[1-9]\d?\s%"), timeout=60_000)
    await pictures.take("05-running")
    await strip.get_by_role("button", name="cancel").click()
    await page.get_by_label("Run shown").select_option(label="thorough 1.0.0, cancelled")
    again = page.get_by_role("button", name="Run again")
    await again.click()
    await expect(strip.get_by_role("button", name="cancel")).to_be_visible()
    await strip.get_by_role("button", name="cancel").click()
    await again.wait_for()
    await page.get_by_label("Run shown").select_option(label="tree-crowns 1.0.0")


async def everything_by_keyboard_and_by_daylight(page: Page, pictures: Pictures) -> None:
    await page.keyboard.press("Control+k")
    await page.get_by_role("combobox", name="Search").fill("crop")
    await pictures.take("11-palette")
    await page.keyboard.press("Escape")
    await page.keyboard.press("F1")
    await page.get_by_role("dialog", name="Keys").wait_for()
    await pictures.take("12-keys")
    keys = [
        (await key.inner_text(), await what.inner_text())
        for key, what in zip(await page.locator(".help dt").all(), await page.locator(".help dd").all(), strict=True)
    ]
    document_keys(keys)
    assert documented_keys()
    assert set(documented_keys()) <= set(keys), "docs/page.md shows keys that the page does not have"
    await page.keyboard.press("Escape")
    await page.keyboard.press("t")
    await expect(page.locator("html")).to_have_attribute("data-theme", "light")
    await pictures.take("13-light")
    await page.keyboard.press("t")
