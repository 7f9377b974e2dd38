"""The operator's page: what runs, what waits, what failed."""

from __future__ import annotations

import secrets
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from tests.browser import steps
from tests.conftest import Stack

pytestmark = [pytest.mark.browser, pytest.mark.stack, pytest.mark.timeout(300)]


async def test_the_operator_sees_the_machine(signed_in: Page, stack: Stack, tmp_path: Path) -> None:
    page = signed_in
    dataset, broken = f"status-{secrets.token_hex(3)}", tmp_path / "no-image.tif"
    broken.write_text("this is no image")
    assert stack.vedette("dataset", "create", dataset).returncode == 0
    assert stack.vedette("item", "push", str(broken), "--dataset", dataset, "--wait").returncode != 0
    await page.get_by_role("button", name="Account of").click()
    await page.get_by_role("link", name="Status of the machine").click()
    await page.get_by_role("heading", name="Last failures").wait_for()
    for part in ("postgres", "nats", "store", "api", "media-1", "detector-1"):
        await expect(page.get_by_role("row", name=part).filter(has_text="ready")).to_have_count(1)
    await expect(page.get_by_role("row", name="Database").filter(has_text="answers")).to_have_count(1)
    await expect(page.get_by_role("row", name="detector").filter(has_text="process")).to_have_count(1)
    failure = page.get_by_role("row", name=dataset)
    await expect(failure).to_contain_text("no-image.tif")
    assert await steps.violations(page) == []
    await page.get_by_role("link", name="Vedette").click()
    await page.get_by_role("button", name="Account of").wait_for()
