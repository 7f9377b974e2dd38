"""Annotating in Chromium: accept and reject by keyboard, edit by dragging, undo, reload, two pages on one shape."""

from __future__ import annotations

import math
import secrets
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import BrowserContext, Page, Route, expect

from tests.browser import steps
from tests.browser.conftest import Ask
from tests.conftest import Stack

pytestmark = [pytest.mark.browser, pytest.mark.stack, pytest.mark.timeout(400)]


@pytest.fixture
async def woodland(detections: Page) -> Page:
    """The page with a run's detections on the map, a good one selected."""
    await detections.get_by_label("In view").get_by_role("listitem").nth(2).get_by_role("button").click()
    await detections.get_by_label("Selected detection").wait_for()
    return detections


def said(ask: Ask, page: Page, verdict: str = "any") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = ask(f"/api/items/{steps.query(page)['scene']}/annotations", verdict=verdict)["items"]
    return found


async def selected(page: Page) -> int:
    await page.wait_for_timeout(250)  # the address is written at most five times a second
    return int(steps.query(page)["sel"])


async def saved(page: Page) -> None:
    await expect(page.get_by_test_id("saved")).to_have_attribute("data-state", "saved", timeout=45_000)


async def corner(page: Page, ask: Ask, ordinal: int, index: int = 2) -> tuple[float, float]:
    """Where on the screen a corner of a detection's box lies, from the place in the address and the scene's own grid."""
    run = ask(f"/api/runs/{steps.query(page)['run']}/detections/{ordinal}")
    longitude, latitude = run["geometry"]["coordinates"][0][index]
    return await on_screen(page, longitude, latitude)


async def on_screen(page: Page, longitude: float, latitude: float) -> tuple[float, float]:
    def mercator(lon: float, lat: float) -> tuple[float, float]:
        return math.radians(lon) * 6378137, math.asinh(math.tan(math.radians(lat))) * 6378137

    at = [float(part) for part in steps.query(page)["at"].split(",")]
    centre, point = mercator(at[1], at[0]), mercator(longitude, latitude)
    resolution = 156543.03392804097 / 2 ** at[2]
    box = await page.locator(".map").bounding_box()
    assert box is not None
    return (
        box["x"] + box["width"] / 2 + (point[0] - centre[0]) / resolution,
        box["y"] + box["height"] / 2 - (point[1] - centre[1]) / resolution,
    )


async def drag(page: Page, start: tuple[float, float], by: tuple[float, float]) -> None:
    await page.mouse.move(*start)
    await page.mouse.down()
    await page.mouse.move(start[0] + by[0] / 2, start[1] + by[1] / 2, steps=4)
    await page.mouse.move(start[0] + by[0], start[1] + by[1], steps=4)
    await page.mouse.up()


async def test_judging_goes_by_keyboard_alone_and_can_be_undone(woodland: Page, ask: Ask) -> None:
    page = woodland
    first = await selected(page)
    await page.keyboard.press("a")
    second = await selected(page)
    assert second != first
    await page.keyboard.press("r")
    third = await selected(page)
    assert third not in {first, second}
    await saved(page)
    judged = {one["origin"]["ordinal"]: one["verdict"] for one in said(ask, page)}
    assert judged == {first: "accepted", second: "rejected"}
    assert {one["source"] for one in said(ask, page)} == {"people"}
    await expect(page.locator('.detection-list li[data-verdict="rejected"]')).to_have_count(1)

    await page.keyboard.press("Control+z")
    await page.keyboard.press("Control+z")
    await saved(page)
    assert said(ask, page) == []
    await page.keyboard.press("Control+Shift+z")
    await saved(page)
    assert [one["origin"]["ordinal"] for one in said(ask, page)] == [first]
    await page.reload()
    await steps.until_outlines(page, drawn=True)
    await expect(page.locator('.detection-list li[data-verdict="accepted"]')).to_have_count(1)
    await page.keyboard.press("F1")
    await expect(page.get_by_role("dialog", name="Keys")).to_contain_text("Accept the selected detection")
    assert await steps.violations(page) == []


async def test_a_box_is_dragged_drawn_deleted_and_kept_over_a_cut_line(woodland: Page, ask: Ask) -> None:
    page = woodland
    ordinal = await selected(page)
    box = ask(f"/api/runs/{steps.query(page)['run']}/detections/{ordinal}")["box"]
    await page.keyboard.press("e")
    await page.wait_for_timeout(600)
    await drag(page, await corner(page, ask, ordinal), (30, 24))
    await saved(page)
    (edited,) = said(ask, page)
    assert edited["box"]["width"] > box["width"] + 2
    assert edited["box"]["height"] > box["height"] + 2
    await page.keyboard.press("Escape")
    assert await steps.violations(page) == []

    async def cut(route: Route) -> None:
        await route.abort()

    await page.route("**/annotations/**", cut)
    await page.keyboard.press("b")
    middle = await page.locator(".map").bounding_box()
    assert middle is not None
    x, y = middle["x"] + middle["width"] / 2, middle["y"] + middle["height"] / 2
    await page.mouse.click(x - 60, y - 40)
    await page.mouse.click(x + 60, y + 40)
    await expect(page.get_by_test_id("saved")).to_have_attribute("data-state", "stuck")
    assert len(said(ask, page)) == 1
    page.on("dialog", lambda dialog: dialog.accept())
    await page.reload()  # with the line still cut: what is unsent is kept in the browser
    await steps.until_outlines(page, drawn=True)
    await expect(page.get_by_test_id("saved")).to_have_attribute("data-state", "stuck")
    await page.unroute_all(behavior="ignoreErrors")
    await saved(page)
    assert sorted(one["origin"] is None for one in said(ask, page)) == [False, True]
    await page.get_by_label("Annotation", exact=True).wait_for()
    await page.keyboard.press("Delete")
    await saved(page)
    assert [one["id"] for one in said(ask, page)] == [edited["id"]]


async def test_two_pages_edit_one_shape(woodland: Page, context: BrowserContext, ask: Ask) -> None:
    """The colleague sees a change by itself; of two made at once one wins, and the other is told."""
    page = woodland
    ordinal = await selected(page)
    await page.get_by_role("button", name="Accept").click()
    await saved(page)
    await page.get_by_label("In view").get_by_role("listitem").nth(2).get_by_role("button").click()
    colleague = await context.new_page()
    await colleague.goto(page.url)
    verdict = colleague.get_by_test_id("verdict")
    await expect(verdict).to_have_text("accepted")
    assert await selected(page) == ordinal
    name = page.get_by_label("Annotation", exact=True).get_by_label("Class")
    await name.fill("tree/old")
    await name.press("Enter")
    other = colleague.get_by_label("Annotation", exact=True).get_by_label("Class")
    await expect(other).to_have_value("tree/old")

    held: list[Route] = []
    made = False

    async def hold(route: Route) -> None:
        if made:
            await route.continue_()
        else:
            held.append(route)

    # The colleague's change is on its way while the first page's is made.
    await colleague.route("**/annotations/*", hold)
    await other.fill("tree/slow")
    await other.press("Enter")
    await expect(colleague.get_by_test_id("saved")).to_have_attribute("data-state", "saving")
    await name.fill("tree/quick")
    await name.press("Enter")
    await saved(page)
    made = True
    for route in held:
        await route.continue_()
    await expect(colleague.get_by_role("status").filter(has_text="has changed this annotation")).to_be_visible()
    await expect(other).to_have_value("tree/quick")
    assert [one["label"] for one in said(ask, page)] == ["tree/quick"]
    # What the colleague had made is not lost.
    await colleague.get_by_role("button", name="Put mine in its place").click()
    await saved(colleague)
    await expect(name).to_have_value("tree/slow")
    assert [one["label"] for one in said(ask, page)] == ["tree/slow"]
    await colleague.close()


async def test_a_corner_of_a_detection_is_dragged_in_one_gesture_and_a_polygon_drawn(woodland: Page, ask: Ask) -> None:
    page = woodland
    ordinal = await selected(page)
    box = ask(f"/api/runs/{steps.query(page)['run']}/detections/{ordinal}")["box"]
    hand = page.locator('.map[data-hand="corners"]')
    await hand.wait_for()  # its corners are in the hand once the selection rests
    await drag(page, await corner(page, ask, ordinal), (30, 24))
    await saved(page)
    (edited,) = said(ask, page)
    assert edited["origin"]["ordinal"] == ordinal
    assert edited["verdict"] == "accepted"
    assert edited["box"]["width"] > box["width"] + 2
    # One person's word on one detection says nothing about the whole scene.
    await expect(page.get_by_test_id("judged")).to_contain_text("right of 1 judged")
    await page.get_by_role("button", name="Everything here is annotated").click()
    await expect(page.get_by_test_id("recall")).to_be_visible()
    await page.get_by_role("button", name="Not all").click()

    await page.keyboard.press("p")
    map_box = await page.locator('.map[data-tool="polygon"]').bounding_box()
    assert map_box is not None
    x, y = map_box["x"] + map_box["width"] / 2, map_box["y"] + map_box["height"] / 2
    corners = [(x - 80, y - 60), (x + 90, y - 50), (x + 20, y + 70)]
    for at in corners:
        await page.mouse.click(*at)
    await page.mouse.click(*corners[-1])
    await page.get_by_label("Annotation", exact=True).wait_for()
    await saved(page)
    (drawn,) = [one for one in said(ask, page) if one["origin"] is None]
    assert len(drawn["polygon"][0]) in {3, 4}
    await hand.wait_for()
    await drag(page, corners[0], (-40, -10))
    await saved(page)
    (moved,) = [one for one in said(ask, page) if one["id"] == drawn["id"]]
    assert moved["box"]["width"] > drawn["box"]["width"] + 2
    assert moved["revision"] > drawn["revision"]


async def test_a_session_that_ends_takes_nothing_with_it(woodland: Page, ask: Ask, stack: Stack) -> None:
    page = woodland
    first = await selected(page)
    password = secrets.token_urlsafe(16)
    changed = await page.request.put(
        f"{stack.url}/api/account/password", data={"password": password}, headers={"Origin": stack.url}
    )
    assert changed.ok, await changed.text()
    await page.keyboard.press("p")
    map_box = await page.locator('.map[data-tool="polygon"]').bounding_box()
    assert map_box is not None
    x, y = map_box["x"] + map_box["width"] / 2, map_box["y"] + map_box["height"] / 2
    await page.mouse.click(x - 80, y - 60)
    await page.mouse.click(x + 90, y - 50)
    # The session ends in the middle of a drawing, and with a change on its way.
    await page.context.clear_cookies()
    await page.get_by_role("button", name="Accept").click()
    again = page.get_by_role("dialog", name="Your session has ended")
    await again.wait_for()
    assert await steps.violations(page) == []
    await page.keyboard.type(password)
    await page.keyboard.press("Enter")
    await expect(again).to_have_count(0)
    await saved(page)
    assert [one["origin"]["ordinal"] for one in said(ask, page)] == [first]
    await expect(page.get_by_text("Not connected")).to_have_count(0)


async def test_too_many_annotations_come_as_counts_to_click_into(
    signed_in: Page, real_scene: Path, stack: Stack
) -> None:
    """From afar, numbers; a click leads towards what a number stands for; near by, the outlines."""
    page = signed_in
    await steps.new_dataset(page, f"Crowd {secrets.token_hex(3)}")
    await steps.choose_files(page, real_scene)
    await steps.open_scene(page, real_scene.name)
    corners = ((x, y) for x in range(0, 392, 5) for y in range(0, 392, 5))
    records = [
        {"item": real_scene.name, "label": "tree", "box": {"x": x + 3, "y": y + 3, "width": 4, "height": 4}}
        for x, y in corners
    ]
    assert len(records) > 6000
    imported = await page.request.post(
        f"{stack.url}/api/datasets/{steps.query(page)['dataset']}/annotations/import",
        data={"source": "crowd.csv", "records": records},
        headers={"Origin": stack.url},
    )
    assert imported.ok, await imported.text()
    await page.wait_for_url(lambda url: steps.zoom(url) > 0)
    for _ in range(3):
        await steps.zoom_out(page)
    async with page.expect_response(lambda answer: "counts_above=" in answer.url) as counted:
        await page.get_by_role("button", name="Annotations", exact=True).click()
    assert b"counts" in await (await counted.value).body()
    far = steps.zoom(page.url)
    await steps.click_on_the_map(page)
    await page.wait_for_url(lambda url: steps.zoom(url) >= far + 1.99)
    assert "annotation" not in steps.query(page)
    async with page.expect_response(
        lambda answer: "/annotations/tiles/" in answer.url and "counts_above" not in answer.url
    ) as drawn:
        await steps.click_on_the_map(page)
    body = await (await drawn.value).body()
    assert b"annotations" in body
    assert b"counts" not in body
