"""Measuring on the ground by mouse and by keyboard, and a map that is turned."""

from __future__ import annotations

import asyncio
import math
import re
import secrets
from pathlib import Path

import pytest
from playwright.async_api import Page, Route, expect
from pyproj import Geod

from tests.browser import steps
from tests.conftest import Stack

pytestmark = [pytest.mark.browser, pytest.mark.stack, pytest.mark.timeout(300)]


def numbers(text: str) -> list[float]:
    return [float(found) for found in re.findall(r"\d+(?:\.\d+)?", text)]


async def test_lengths_areas_and_a_turned_map(signed_in: Page, stack: Stack, real_scene: Path) -> None:
    page = signed_in
    dataset = f"measure-{secrets.token_hex(3)}"
    assert stack.vedette("dataset", "create", dataset).returncode == 0
    pushed = stack.vedette("item", "push", str(real_scene), "--dataset", dataset, "--wait")
    assert pushed.returncode == 0, pushed.stderr
    await page.goto(f"{stack.url}/?dataset={dataset}")
    await steps.open_scene(page, real_scene.name)
    await page.wait_for_function("() => new URLSearchParams(location.search).has('at')")
    latitude, longitude, zoom = (float(part) for part in steps.query(page)["at"].split(","))
    per_pixel = 360 / 256 / 2**zoom

    await page.get_by_role("button", name="Measure", exact=True).click()
    box = await page.locator('.map[data-tool="measure"]').bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    for dx, dy in ((-100, 0), (100, 0), (100, 150), (100, 150)):
        await page.mouse.click(x + dx, y + dy)
    down = per_pixel * math.cos(math.radians(latitude))
    ring = [(longitude + dx * per_pixel, latitude - dy * down) for dx, dy in ((-100, 0), (100, 0), (100, 150))]
    geod = Geod(ellps="WGS84")
    length = geod.line_length(*zip(*ring, strict=True))
    area = abs(geod.polygon_area_perimeter(*zip(*ring, strict=True))[0])
    found = numbers(await page.get_by_test_id("measure").inner_text())
    assert found == [pytest.approx(length, rel=0.01), pytest.approx(area, rel=0.02)]

    await page.keyboard.press("Escape")
    await expect(page.get_by_test_id("measure")).to_have_count(0)
    await page.keyboard.press("m")
    await page.get_by_test_id("measure").wait_for()
    await page.keyboard.press("Space")
    await page.keyboard.press("ArrowRight")
    await page.wait_for_timeout(600)
    await page.keyboard.press("Space")
    # An arrow key moves the map by 128 pixels.
    step = geod.line_length([longitude, longitude + 128 * per_pixel], [latitude, latitude])
    found = numbers(await page.get_by_test_id("measure").inner_text())
    assert found[0] == pytest.approx(step, rel=0.02)
    assert await steps.violations(page) == []

    await page.keyboard.press("Escape")
    await page.keyboard.press("w")
    await page.wait_for_function("() => /,15$/.test(new URLSearchParams(location.search).get('at'))")
    upright = "() => new URLSearchParams(location.search).get('at')?.split(',').length === 3"

    # Pressed before the scene is up, which stood turned.
    held: asyncio.Future[Route] = asyncio.get_running_loop().create_future()
    await page.route(re.compile(r"/datasets/[^/]+/items($|\?)"), lambda route: held.set_result(route), times=1)
    await page.reload()
    await page.get_by_role("button", name="North up").click()
    await page.wait_for_function(upright)
    async with page.expect_response(lambda answer: "/tiles/" in answer.url):
        await (await asyncio.wait_for(held, 60)).continue_()
    await expect(page.get_by_role("button", name="North up").locator("svg")).to_have_attribute(
        "style", re.compile(r"rotate\(0rad\)")
    )
    await page.keyboard.press("w")
    await page.wait_for_function("() => /,15$/.test(new URLSearchParams(location.search).get('at'))")
    await page.keyboard.press("n")
    await page.wait_for_function(upright)
