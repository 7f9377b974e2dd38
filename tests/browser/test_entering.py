"""Signing in, and everything from there to a run with the keyboard alone."""

from __future__ import annotations

import secrets
from pathlib import Path

import pytest
from playwright.async_api import Locator, Page, expect

from tests.browser import steps
from tests.browser.conftest import one_time_link
from tests.conftest import Stack

pytestmark = [pytest.mark.browser, pytest.mark.stack, pytest.mark.timeout(400)]


async def test_a_link_opens_once_and_leaves_the_address(page: Page, stack: Stack) -> None:
    link = one_time_link(stack)
    await page.goto(link)
    await page.get_by_role("button", name="Account of").wait_for()
    assert link.split("link=")[1] not in page.url
    await page.context.clear_cookies()
    await page.goto("about:blank")
    await page.goto(link)
    await page.get_by_role("alert").wait_for()
    assert await page.get_by_role("alert").inner_text() != ""
    await page.get_by_label("Password").wait_for()
    assert await steps.violations(page) == []


async def test_a_wrong_password_says_so(page: Page, stack: Stack) -> None:
    await page.goto(stack.url)
    await page.get_by_label("Name").fill("nobody")
    await page.get_by_label("Password").fill("not the password")
    await page.get_by_role("button", name="Sign in").click()
    await page.get_by_role("alert").wait_for()


async def tab_to(page: Page, name: str) -> None:
    """Press Tab until the control of this name has the focus; fail when it cannot be reached."""
    for _ in range(80):
        await page.keyboard.press("Tab")
        focused = await page.evaluate(
            "() => (document.activeElement?.getAttribute('aria-label') ?? document.activeElement?.innerText ?? '').trim()"
        )
        if focused.startswith(name):
            return
    raise AssertionError(f"{name} is not reached by the keyboard")


async def tab_until(page: Page, control: Locator) -> None:
    for _ in range(80):
        if await control.evaluate("(element) => element === document.activeElement"):
            return
        await page.keyboard.press("Tab")
    raise AssertionError("the control is not reached by the keyboard")


async def test_from_sign_in_to_annotations_by_keyboard(signed_in: Page, stack: Stack, real_scene: Path) -> None:
    page = signed_in
    password = secrets.token_urlsafe(16)
    session = await (await page.request.get(f"{stack.url}/api/session")).json()
    changed = await page.request.put(
        f"{stack.url}/api/account/password", data={"password": password}, headers={"Origin": stack.url}
    )
    assert changed.ok, await changed.text()
    existing = f"keyboard-{secrets.token_hex(3)}"
    assert stack.vedette("dataset", "create", existing).returncode == 0
    await page.context.clear_cookies()

    await page.goto(f"{stack.url}/?dataset={existing}")
    await page.get_by_label("Name").wait_for()
    await page.keyboard.type(session["name"])
    await page.keyboard.press("Tab")
    await page.keyboard.type(password)
    await page.keyboard.press("Enter")
    await page.get_by_role("button", name="Choose files").wait_for()

    title = f"By keyboard {secrets.token_hex(3)}"
    await tab_to(page, f"Dataset: {existing}")
    await page.keyboard.press("Enter")
    field = page.get_by_label("New dataset")
    await tab_until(page, field)
    await page.keyboard.type(title)
    await page.keyboard.press("Enter")
    await page.get_by_role("button", name=f"Dataset: {title}").wait_for()
    await expect(field).to_be_hidden()  # until the menu has closed, letters go into it

    await steps.choose_files(page, real_scene, key="u")
    await steps.card(page, real_scene.name, "ready").wait_for(timeout=steps.READY_MS)
    await page.keyboard.press("Control+k")
    await page.get_by_role("combobox", name="Search").wait_for()
    await page.keyboard.type(real_scene.name)
    await page.keyboard.press("Enter")
    await expect(steps.card(page, real_scene.name)).to_have_attribute("data-current", "true")
    await page.get_by_role("button", name="Run", exact=True).wait_for()
    await tab_to(page, "Run")
    await page.keyboard.press("Enter")
    await page.get_by_test_id("shown").wait_for(timeout=steps.READY_MS)
    await steps.until_outlines(page, drawn=True)
    await page.get_by_label("In view").get_by_role("listitem").first.wait_for()
    await page.keyboard.press(".")
    await page.get_by_label("Selected detection").wait_for()
    await page.keyboard.press("a")
    await expect(page.locator('.detection-list li[data-verdict="accepted"]')).to_have_count(1)
    await expect(page.get_by_test_id("saved")).to_have_attribute("data-state", "saved", timeout=45_000)
    await page.keyboard.press("Escape")
    await page.get_by_label("Selected detection").wait_for(state="detached")
    before = await page.get_by_test_id("threshold").inner_text()
    await page.keyboard.press("]")
    await expect(page.get_by_test_id("threshold")).not_to_have_text(before)
