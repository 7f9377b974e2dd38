"""What a person does on the page, and what they see there. Used by the tests beside it."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import numpy as np
from PIL import Image
from playwright.async_api import CDPSession, Locator, Page, expect

AXE = Path(__file__).parents[2] / "appliance" / "ui" / "node_modules" / "axe-core" / "axe.min.js"
FIRST_CLASS = (230, 159, 0)  # the first colour of Okabe and Ito
READY_MS = 120_000


def query(page: Page) -> dict[str, str]:
    return {key: values[0] for key, values in parse_qs(urlsplit(page.url).query).items()}


async def new_dataset(page: Page, title: str) -> None:
    """From the menu, or from the page that asks for the first one."""
    field = page.get_by_label("New dataset")
    menu = page.get_by_role("button", name="Dataset:")
    await field.or_(menu).first.wait_for()
    if await menu.count() > 0:
        await menu.click()
    await field.fill(title)
    await field.press("Enter")
    await page.get_by_role("button", name=f"Dataset: {title}").wait_for()


async def choose_files(page: Page, *files: Path, key: str | None = None) -> None:
    """By the button, or by a key."""
    async with page.expect_file_chooser() as chooser:
        # Input may overtake the order to answer the window for files; a script waits behind that order.
        await page.evaluate("null")
        if key is None:
            await page.get_by_role("button", name="Add scenes").click()
        else:
            await page.keyboard.press(key)
    await (await chooser.value).set_files(list(files))


async def drop_file(page: Page, file: Path) -> None:
    """As if dragged from the desktop onto the map."""
    script = """([name, text]) => {
        const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
        const transfer = new DataTransfer();
        transfer.items.add(new File([bytes], name));
        const target = document.querySelector(".map");
        for (const type of ["dragenter", "dragover", "drop"]) {
            target.dispatchEvent(new DragEvent(type, { dataTransfer: transfer, bubbles: true, cancelable: true }));
        }
    }"""
    await page.evaluate(script, [file.name, _text(file)])


def _text(file: Path) -> str:
    return base64.b64encode(file.read_bytes()).decode()


def card(page: Page, name: str, state: str | None = None) -> Locator:
    cards = page.locator(".card" if state is None else f'.card[data-state="{state}"]')
    return cards.filter(has_text=name)


async def open_scene(page: Page, name: str) -> None:
    await card(page, name, "ready").wait_for(timeout=READY_MS)
    await card(page, name).get_by_role("button").first.click()
    await expect(card(page, name)).to_have_attribute("data-current", "true")


async def run_detector(page: Page) -> None:
    await page.get_by_role("button", name="Run", exact=True).click()
    await page.get_by_test_id("shown").wait_for(timeout=READY_MS)


async def shown(page: Page) -> int:
    return int("".join(letter for letter in await page.get_by_test_id("shown").inner_text() if letter.isdigit()))


async def set_threshold(page: Page, value: float) -> None:
    await page.get_by_role("slider", name="Lowest score shown").fill(f"{value:.2f}")
    await expect(page.get_by_test_id("threshold")).to_have_text(f"≥ {value:.2f}")


async def outlines(page: Page) -> int:
    """How many pixels of the map have the colour of the first class."""
    picture = Image.open(io.BytesIO(await page.locator(".stage").screenshot())).convert("RGB")
    distance = np.abs(np.asarray(picture).astype(int) - FIRST_CLASS).sum(axis=2)
    return int((distance < 60).sum())


async def until_outlines(page: Page, *, drawn: bool) -> None:
    for _ in range(60):
        if (await outlines(page) > 300) is drawn:
            return
        await page.wait_for_timeout(250)
    raise AssertionError("no detections were drawn" if drawn else "detections are still drawn")


async def violations(page: Page, only: str | None = None) -> list[str]:
    """What axe finds against WCAG 2.2 AA and its own best practice, as one line each; of one rule where it is named."""
    if not await page.evaluate("() => 'axe' in window"):
        await page.evaluate(AXE.read_text(encoding="utf-8"))
    found = await page.evaluate("(rules) => axe.run(document, rules ? { runOnly: rules } : {})", only and [only])
    return [
        f"{one['id']}: {one['help']}: {[node['html'][:200] for node in one['nodes']]}" for one in found["violations"]
    ]


@dataclass
class Dragged:
    """Files that the pointer holds over the map."""

    session: CDPSession
    event: dict[str, object]

    async def drop(self) -> None:
        # What the page allows is known from the last event before: one more, lest that one was from before it answered.
        for kind in ("dragOver", "drop"):
            await self.session.send("Input.dispatchDragEvent", {**self.event, "type": kind})


async def drag_over(page: Page, *paths: Path) -> Dragged:
    """Files or folders, dragged from the desktop to the middle of the map, as the browser itself hands them on."""
    session = await page.context.new_cdp_session(page)
    x, y = await middle(page)
    data = {"items": [], "files": [str(path) for path in paths], "dragOperationsMask": 1}
    event: dict[str, object] = {"x": x, "y": y, "data": data}
    for kind in ("dragEnter", "dragOver"):
        await session.send("Input.dispatchDragEvent", {**event, "type": kind})
    return Dragged(session, event)


async def middle(page: Page) -> tuple[float, float]:
    box = await page.locator(".map").bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


async def click_a_detection(page: Page) -> None:
    """The one nearest to the middle of the map that the pointer finds."""
    await click_on_the_map(page)
    await page.get_by_label("Selected detection").wait_for()


async def click_on_the_map(page: Page) -> None:
    """On the shape, or the count, nearest to the middle of the map that the pointer finds."""
    x, y = await middle(page)
    for reach in range(0, 300, 20):
        for across, down in ((reach, 0), (0, reach), (-reach, 0), (0, -reach)):
            await page.mouse.move(x + across, y + down)
            await page.wait_for_timeout(60)
            if await page.locator('.map[data-over="shape"]').count() > 0:
                await page.mouse.click(x + across, y + down)
                return
    raise AssertionError("nothing lies near the middle of the map")


def zoom(address: str) -> float:
    """Of the page's address; -1 where it has no place yet."""
    at = parse_qs(urlsplit(address).query).get("at")
    return float(at[0].split(",")[2]) if at else -1.0


async def zoom_out(page: Page) -> None:
    before = zoom(page.url)
    await page.get_by_role("button", name="Zoom out").click()
    await page.wait_for_url(lambda url: zoom(url) <= before - 0.99)
