"""A new model by one click in a dataset: the TrainingJob that kubectl then sees, and what a wrong value gets."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from tests import blobs
from tests.browser import steps
from tests.browser.conftest import Ask
from tests.browser.test_accessibility import nothing_found
from tests.cluster_crds.api_server import ApiServer
from tests.cluster_page import samples
from tests.cluster_page.conftest import NAMESPACE
from tests.cluster_page.shots import shot
from tests.conftest import Stack

pytestmark = [pytest.mark.browser, pytest.mark.stack, pytest.mark.timeout(300)]


@pytest.fixture
def served(cluster: ApiServer, stack: Stack, detector: str, tmp_path: Path) -> Iterator[str]:
    digest = blobs.write_package(tmp_path / "blobs").digest
    wanted = samples.detector("blobs", "1.0.0", digest, resources={"limits": {"nvidia.com/gpu": 1}})
    cluster.kubectl("apply", "-n", NAMESPACE, "-f", "-", given=wanted)
    yield "blobs"
    cluster.kubectl("delete", "det,tj", "--all", "-n", NAMESPACE)


@pytest.fixture
def scenes(tmp_path: Path) -> list[Path]:
    """Three, each with blobs of its own."""
    found = []
    for number in range(3):
        centres = blobs.centres(256, 256, 4, seed=number)
        found.append(blobs.write_scene(tmp_path / f"scene-{number}.tif", 256, 256, centres))
    return found


async def label(page: Page, name: str) -> None:
    """One box in the middle of a scene, drawn."""
    await steps.open_scene(page, name)
    await page.get_by_role("button", name="Draw a box").click()
    x, y = await steps.middle(page)
    await page.mouse.click(x - 40, y - 40)
    await page.mouse.click(x + 40, y + 40)
    await expect(page.get_by_test_id("saved")).to_have_attribute("data-state", "saved", timeout=45_000)
    await page.keyboard.press("Escape")


async def test_one_click_makes_a_training(
    signed_in: Page, ask: Ask, served: str, cluster: ApiServer, scenes: list[Path]
) -> None:
    page = signed_in
    await steps.new_dataset(page, f"Blobs {secrets.token_hex(3)}")
    await steps.choose_files(page, *scenes)
    for scene in scenes:
        await steps.card(page, scene.name, "ready").wait_for(timeout=steps.READY_MS)
    await page.get_by_role("button", name="New model").click()
    form = page.get_by_role("group", name="New model")
    await form.get_by_text("is labelled yet").wait_for()
    await nothing_found(page, "nothing labelled")
    await page.keyboard.press("Escape")
    for scene in scenes[:2]:
        await label(page, scene.name)
    await page.get_by_role("button", name="New model").click()
    await form.get_by_text("Learns from 1 of 2 labelled scenes, chosen by 1.").wait_for()
    await shot(page, "new-model")
    await nothing_found(page, "a new model")

    await form.get_by_label("At least").fill("1.5")
    await form.get_by_role("button", name="Train blobs 1.1.0").click()
    await expect(form.get_by_label("At least")).to_have_attribute("aria-invalid", "true")
    await expect(form.get_by_role("alert")).to_contain_text("less than or equal to 1")
    assert cluster.get("tj", "-n", NAMESPACE)["items"] == []
    await form.get_by_label("At least").fill("0.75")
    await form.get_by_label("Published as version").fill("newest")
    await form.get_by_role("button", name="Train blobs newest").click()
    await expect(form.get_by_label("Published as version")).to_have_attribute("aria-invalid", "true")
    await shot(page, "new-model-wrong")
    await form.get_by_label("Published as version").fill("1.1.0")
    await form.get_by_label("Epochs at most").fill("12")
    await form.get_by_role("button", name="Train blobs 1.1.0").click()
    await page.get_by_text("blobs 1.1.0 is asked for").wait_for()

    made = cluster.get("tj", "blobs-1-1-0", "-n", NAMESPACE)["spec"]
    assert made["publish"] == {"model": "blobs", "version": "1.1.0", "detectorRef": {"name": "blobs"}}
    assert made["goal"] == {"metric": "f1", "minimum": 0.75}
    assert made["configuration"]["inline"]["epochs"] == 12
    assert made["resourcesPerNode"]["limits"] == {"nvidia.com/gpu": 1}
    assert made["from"]["storageUri"] == "s3://vedette/models/blobs/1.0.0"
    frozen = ask(f"/api/datasets/{steps.query(page)['dataset']}/snapshots")["items"]
    assert {each["digest"] for each in frozen} == {made["dataset"]["train"], made["dataset"]["validation"]}
    assert [each["annotations"] for each in frozen] == [1, 1]
    await page.get_by_role("link", name="blobs-1-1-0").click()
    await page.locator('[data-resource="blobs-1-1-0"][data-open="true"]').wait_for()
    await expect(page.locator('[data-resource="blobs-1-1-0"]')).to_contain_text("f1 of at least 0.75")
