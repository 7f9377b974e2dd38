"""Hostile names, and links to what is not there: shown as what they are, or said in one clear sentence."""

from __future__ import annotations

import secrets
from pathlib import Path
from uuid import uuid4

import pytest
from playwright.async_api import Page, expect

from tests.browser import steps
from tests.conftest import Stack

pytestmark = [pytest.mark.browser, pytest.mark.stack, pytest.mark.timeout(400)]
SCRIPT = "<img src=x onerror=window.hurt=1>"
LONG = "a-very-long-name-" * 12
RIGHT_TO_LEFT = "مسح الميناء"
TURNED = "scene\u202efit.exe"


def named(folder: Path, name: str, content: Path | None = None) -> Path:
    """A file of this name: a copy of `content`, or something that is no image, alike in no two files."""
    path = folder / name
    path.write_bytes(content.read_bytes() if content else f"no image {name}".encode())
    return path


async def test_hostile_names_are_names(signed_in: Page, real_scene: Path, tmp_path: Path) -> None:
    page = signed_in
    await steps.new_dataset(page, f"{SCRIPT} {secrets.token_hex(3)}")
    scene = named(tmp_path, f"{SCRIPT}.tif", real_scene)
    others = [named(tmp_path, name) for name in (f"{LONG}.tif", f"{RIGHT_TO_LEFT}.tif", f"{TURNED}.tif")]
    await steps.choose_files(page, scene, *others)
    await steps.open_scene(page, scene.name)
    await steps.run_detector(page)
    await expect(page.locator('.card[data-state="failed"]')).to_have_count(3, timeout=steps.READY_MS)
    await expect(steps.card(page, RIGHT_TO_LEFT)).to_have_count(1)
    # What turns text around, so that one kind of file looks like another, is left out of the name.
    await expect(steps.card(page, "scenefit.exe.tif")).to_have_count(1)

    await page.get_by_label("In view").get_by_role("listitem").first.get_by_role("button").click()
    await page.get_by_role("button", name="Accept").click()
    await page.keyboard.press(",")
    label = page.get_by_label("Annotation", exact=True).get_by_label("Class")
    await label.fill(f"{SCRIPT}{LONG}"[:250])
    await label.press("Enter")
    await expect(page.get_by_test_id("saved")).to_have_attribute("data-state", "saved", timeout=45_000)
    await page.keyboard.press("Control+k")
    await page.get_by_role("combobox", name="Search").fill("img")
    await expect(page.get_by_role("option").filter(has_text=scene.name).first).to_be_visible()
    await page.keyboard.press("Escape")
    await page.reload()
    await expect(page.get_by_role("button", name=f"Dataset: {SCRIPT}")).to_be_visible()
    await steps.until_outlines(page, drawn=True)
    assert await page.evaluate("() => [window.hurt, document.querySelectorAll('img[src=\"x\"]').length]") == [None, 0]
    await nothing_sticks_out(page)


async def nothing_sticks_out(page: Page) -> None:
    """No panel is wider than its place, and the header is one row."""
    wide = await page.evaluate(
        "() => [document.documentElement, ...document.querySelectorAll('.panel, .card, .header')]"
        ".filter((each) => each.scrollWidth > each.clientWidth + 1).map((each) => each.className)"
    )
    assert wide == []
    header = await page.locator(".header").bounding_box()
    assert header is not None
    assert header["height"] == 40
    account = await page.get_by_role("button", name="Account of").bounding_box()
    assert account is not None
    assert account["x"] + account["width"] <= header["width"]


async def test_links_to_what_is_not_there(signed_in: Page, stack: Stack, real_scene: Path) -> None:
    page = signed_in
    await page.goto(f"{stack.url}/?dataset=gone-{secrets.token_hex(3)}")
    said = page.get_by_role("status").filter(has_text="There is no dataset “gone-")
    await said.wait_for()
    await said.get_by_role("button", name="Dismiss").click()
    await said.wait_for(state="detached")

    await steps.new_dataset(page, f"Links {secrets.token_hex(3)}")
    dataset = steps.query(page)["dataset"]
    await page.goto(f"{stack.url}/?dataset={dataset}&scene={uuid4()}")
    await page.get_by_text("This scene is not in the dataset any more. Drop it on this page again.").wait_for()
    await steps.choose_files(page, real_scene)
    await steps.card(page, real_scene.name, "ready").wait_for(timeout=steps.READY_MS)
    await page.get_by_text("This scene is not in the dataset any more. Choose another on the left.").wait_for()
    await steps.open_scene(page, real_scene.name)
    await steps.run_detector(page)
    run = steps.query(page)["run"]
    await page.goto(page.url.replace(run, str(uuid4())) + "&sel=999999")
    await page.get_by_role("status").filter(has_text="The run that this link names is not there any more.").wait_for()
    await steps.until_outlines(page, drawn=True)
    assert "sel" not in steps.query(page)


async def test_an_address_of_nonsense_opens_the_page(signed_in: Page, stack: Stack) -> None:
    nonsense = "dataset=%00&scene=../../etc&at=NaN,1e999,-4&t=7&sel=-1&bands=0,0,0&stretch=9,1&hide=%3Cscript%3E"
    await signed_in.goto(f"{stack.url}/?{nonsense}")
    await signed_in.get_by_role("button", name="Account of").wait_for()
    await signed_in.get_by_role("status").filter(has_text="There is no dataset").wait_for()
