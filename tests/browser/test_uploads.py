"""Sending scenes: dropped, broken, interrupted."""

from __future__ import annotations

import secrets
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from playwright.async_api import Page, Route, expect

from scripts import fetch_data
from tests.browser import steps
from tests.browser.conftest import Ask

pytestmark = [pytest.mark.browser, pytest.mark.stack, pytest.mark.timeout(400)]


@pytest.fixture
async def dataset(signed_in: Page) -> str:
    title = f"Uploads {secrets.token_hex(3)}"
    await steps.new_dataset(signed_in, title)
    return steps.query(signed_in)["dataset"]


async def test_a_dropped_file_becomes_a_scene(signed_in: Page, dataset: str, real_scene: Path, ask: Ask) -> None:
    await steps.drop_file(signed_in, real_scene)
    await steps.open_scene(signed_in, real_scene.name)
    [item] = ask(f"/api/datasets/{dataset}/items")["items"]
    assert item["sha256"] == f"sha256:{fetch_data.FILES[real_scene.name]}"
    await expect(signed_in.locator(".readout")).to_contain_text("17R M")
    await expect(signed_in.locator(".readout")).to_contain_text("0.10 m/px")


@pytest.fixture
def broken(real_scene: Path, tmp_path: Path) -> Path:
    """The first 20 kB of a real scene."""
    path = tmp_path / "broken.tif"
    path.write_bytes(real_scene.read_bytes()[:20_000])
    return path


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """27 MB that no codec makes smaller: several parts."""
    path = tmp_path / "large.tif"
    noise = np.random.default_rng(3).integers(0, 255, (3, 3000, 3000), dtype=np.uint8)
    profile = {"driver": "GTiff", "width": 3000, "height": 3000, "count": 3, "dtype": "uint8", "crs": "EPSG:32617"}
    with rasterio.open(path, "w", **profile, transform=Affine(0.1, 0, 4e5, 0, -0.1, 3.3e6)) as scene:
        scene.write(noise)
    return path


async def test_a_broken_file_says_why_on_its_card(signed_in: Page, dataset: str, broken: Path) -> None:
    await steps.choose_files(signed_in, broken)
    card = steps.card(signed_in, broken.name, "failed")
    await card.wait_for(timeout=steps.READY_MS)
    await expect(card.locator(".reason")).to_contain_text("broken.tif")
    await signed_in.get_by_role("button", name="Try broken.tif again").wait_for()
    assert await steps.violations(signed_in) == []


async def test_an_upload_goes_on_after_a_reload(signed_in: Page, dataset: str, large: Path, ask: Ask) -> None:
    """Parts that have arrived are not sent again."""
    sent: list[str] = []

    async def stop_after_the_first(route: Route) -> None:
        if route.request.method != "PUT":
            await route.continue_()
        elif sent:
            return  # it hangs, as a cut line would
        else:
            sent.append(route.request.url)
            await route.continue_()

    await signed_in.route("**/items/**original**", stop_after_the_first)
    await steps.choose_files(signed_in, large)
    await steps.card(signed_in, large.name, "uploading").wait_for(timeout=steps.READY_MS)
    [item] = ask(f"/api/datasets/{dataset}/items")["items"]
    for _ in range(240):
        parts = ask(f"/api/items/{item['id']}/upload")["parts"]
        if any(part["done"] for part in parts):
            break
        await signed_in.wait_for_timeout(250)
    done = [part["number"] for part in parts if part["done"]]
    assert 0 < len(done) < len(parts)

    signed_in.on("dialog", lambda dialog: dialog.accept())
    await signed_in.reload()  # with the line still cut: nothing more arrives of the first attempt
    await signed_in.unroute_all(behavior="ignoreErrors")
    await expect(steps.card(signed_in, large.name, "uploading")).to_contain_text("drop the same file")
    parts = ask(f"/api/items/{item['id']}/upload")["parts"]
    assert [part["number"] for part in parts if part["done"]] == done
    again: list[str] = []
    signed_in.on("request", lambda request: again.append(request.url) if request.method == "PUT" else None)
    await steps.choose_files(signed_in, large)
    await steps.card(signed_in, large.name, "ready").wait_for(timeout=steps.READY_MS)
    assert len(again) == len(parts) - len(done)
