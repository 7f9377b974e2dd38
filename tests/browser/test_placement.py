"""Who goes first and which workers get runs, as an administrator says it on the page."""

from __future__ import annotations

import secrets
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from tests import blobs
from tests.browser import steps
from tests.browser.conftest import Ask
from tests.conftest import Stack

pytestmark = [pytest.mark.browser, pytest.mark.stack, pytest.mark.timeout(300)]


async def test_a_worker_is_drained_and_a_run_says_what_it_waits_for(
    signed_in: Page, stack: Stack, ask: Ask, detector: str, tmp_path: Path
) -> None:
    page, title = signed_in, f"Drained {secrets.token_hex(3)}"
    scene = blobs.write_scene(tmp_path / "waits.tif", 300, 300, blobs.centres(300, 300, 5))
    await steps.new_dataset(page, title)
    await page.get_by_role("button", name="Dataset:").click()
    await page.get_by_label("Its runs go").select_option("before others")
    await expect(page.get_by_label("Its runs go")).to_have_value("5")
    assert await steps.violations(page) == []
    await page.keyboard.press("Escape")
    assert [each["priority"] for each in ask("/api/datasets")["items"] if each["title"] == title] == [5]
    await steps.choose_files(page, scene)
    await steps.open_scene(page, "waits.tif")
    await page.get_by_role("button", name="Workers:").click()
    try:
        await page.get_by_role("button", name="Drain detector-1").click()
        await page.get_by_role("button", name="Resume detector-1").wait_for()
        await expect(page.get_by_role("list", name="Workers")).to_contain_text("drained")
        assert await steps.violations(page) == []
        await page.keyboard.press("Escape")
        await page.get_by_role("button", name="Run", exact=True).click()
        await expect(page.get_by_test_id("job")).to_contain_text("every worker that can do it is drained")
        await page.goto(f"{stack.url}/status")
        row = page.get_by_role("row", name="detector-1").filter(has_text="process")
        await expect(row).to_contain_text("drained")
        await row.get_by_role("button", name="Resume detector-1").click()
        await row.get_by_role("button", name="Drain detector-1").wait_for()
    finally:
        stack.vedette("worker", "resume", "detector-1")
    await page.get_by_role("link", name="Vedette").click()
    await expect(page.get_by_test_id("job")).to_have_count(0, timeout=60_000)
    [item] = [run for run in ask("/api/runs", limit=50)["items"] if run["item_name"] == "waits.tif"]
    assert item["state"] == "succeeded"
