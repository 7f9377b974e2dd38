"""The place "Detectors": what a real API server holds is seen, and what is pressed there stands in it."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from playwright.async_api import Page, expect

from appliance.formats.model_package import ModelPackage
from tests import blobs
from tests.browser import steps
from tests.browser.test_accessibility import nothing_found
from tests.cluster_crds.api_server import ApiServer
from tests.cluster_page import samples
from tests.cluster_page.conftest import NAMESPACE
from tests.cluster_page.shots import shot
from tests.conftest import Stack

pytestmark = [pytest.mark.browser, pytest.mark.stack, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def newer(stack: Stack, detector: str, tmp_path_factory: pytest.TempPathFactory) -> ModelPackage:
    """blobs 1.1.0, which the appliance has too."""
    package = blobs.write_package(tmp_path_factory.mktemp("newer") / "blobs", version="1.1.0")
    applied = stack.vedette("detector", "apply", str(package.folder))
    assert applied.returncode == 0, applied.stderr
    return package


@pytest.fixture
def served(cluster: ApiServer, stack: Stack, newer: ModelPackage) -> Iterator[str]:
    """blobs with a canary, a rejection and a training that goes on."""
    wanted = samples.detector("blobs", "1.1.0", newer.digest)
    cluster.kubectl("apply", "-n", NAMESPACE, "-f", "-", given=wanted)
    samples.say(cluster, NAMESPACE, "det", "blobs", samples.serving_status(newer.digest))
    cluster.kubectl("apply", "-n", NAMESPACE, "-f", "-", given=samples.training("blobs-1-2-0", "blobs", "1.2.0"))
    samples.say(cluster, NAMESPACE, "tj", "blobs-1-2-0", samples.training_status())
    yield "blobs"
    cluster.kubectl("delete", "det,tj", "--all", "-n", NAMESPACE)


async def opened(page: Page, stack: Stack, name: str = "") -> None:
    await page.goto(f"{stack.url}/detectors")
    if name:
        await page.get_by_role("button", name=name, exact=True).click()


async def test_what_the_operator_says_is_seen(signed_in: Page, stack: Stack, served: str) -> None:
    page = signed_in
    await opened(page, stack)
    row = page.get_by_role("row", name="blobs", exact=False).first
    for text in ("Ready", "2 of 2 pods take work.", "1.0.0", "1.1.0, 10", "0.41", "tensorrt fp16", "1.0.5: GateFailed"):
        await expect(row).to_contain_text(text)
    await expect(row).to_contain_text("recall 0.83, at least 0.75 wanted on sha256:5a5a5a5a…")
    training = page.locator('[data-resource="blobs-1-2-0"]')
    await expect(training.get_by_role("progressbar")).to_have_attribute("aria-valuenow", "62")
    for text in ("Running", "14\u202fmin 0\u202fs left", "f1 0.71", "lower batch_size"):
        await expect(training).to_contain_text(text)
    await shot(page, "place")
    await page.get_by_role("button", name="blobs", exact=True).click()
    await expect(page.locator('[data-condition="Progressing"]')).to_contain_text("waits for its gate f1")
    await expect(page.locator('[data-condition="Degraded"]')).to_contain_text("Not degraded")
    await page.wait_for_url("**/detectors?detector=blobs")
    await shot(page, "detail")
    await nothing_found(page, "a detector")
    await page.emulate_media(color_scheme="light")
    await shot(page, "detail-light")
    await page.go_back()
    await expect(page.locator(".detail")).to_have_count(0)


async def test_suspend_and_undo_and_another_version(
    signed_in: Page, stack: Stack, served: str, cluster: ApiServer
) -> None:
    page = signed_in
    await opened(page, stack, "blobs")
    acts = page.get_by_role("group", name="What can be done with blobs")
    await acts.get_by_role("button", name="Suspend").click()
    await acts.get_by_role("button", name="Resume").wait_for()
    await page.get_by_text("blobs is suspended").wait_for()
    assert cluster.get("det", "blobs", "-n", NAMESPACE)["spec"]["suspend"] is True
    await page.get_by_role("button", name="Undo").click()
    await acts.get_by_role("button", name="Suspend").wait_for()
    await page.wait_for_timeout(500)
    assert cluster.get("det", "blobs", "-n", NAMESPACE)["spec"]["suspend"] is False
    await acts.get_by_label("Version").select_option("1.0.0")
    await acts.get_by_role("button", name="Serve this version").click()
    await page.get_by_text("goes from 1.1.0 to 1.0.0").wait_for()
    model = cluster.get("det", "blobs", "-n", NAMESPACE)["spec"]["model"]
    assert model["storageUri"] == "s3://vedette/models/blobs/1.0.0"


async def test_what_happens_elsewhere_arrives_by_itself(
    signed_in: Page, stack: Stack, served: str, cluster: ApiServer
) -> None:
    await opened(signed_in, stack, "blobs")
    gone = samples.condition("Ready", "False", "Unschedulable", "No node has a free nvidia.com/gpu: add one.")
    samples.say(cluster, NAMESPACE, "det", "blobs", {"conditions": [gone]})
    await expect(signed_in.locator('[data-condition="Ready"]')).to_contain_text("No node has a free nvidia.com/gpu")


async def test_a_failed_training_is_tried_again_and_deleted(
    signed_in: Page, stack: Stack, served: str, cluster: ApiServer
) -> None:
    page = signed_in
    samples.say(cluster, NAMESPACE, "tj", "blobs-1-2-0", samples.failed_status())
    await opened(page, stack, "blobs-1-2-0")
    await expect(page.locator('[data-condition="Failed"]')).to_contain_text("make it again, or name another")
    await page.keyboard.press("r")
    await page.get_by_text("blobs-1-2-0 runs again").wait_for()
    await expect(page.get_by_text("blobs-1-2-0 runs again")).to_have_count(0, timeout=15_000)
    await expect(page.locator('[data-resource="blobs-1-2-0"]')).to_contain_text("Pending")
    assert cluster.get("tj", "blobs-1-2-0", "-n", NAMESPACE)["spec"]["retry"] == 1
    await page.keyboard.press("Delete")
    await page.get_by_role("dialog", name="Delete the training blobs-1-2-0?").wait_for()
    assert await steps.violations(page) == []
    await page.get_by_role("button", name="Delete", exact=True).click()
    await page.get_by_text("Nothing has been trained on this cluster yet").wait_for()
    assert cluster.get("tj", "-n", NAMESPACE)["items"] == []


async def test_by_keyboard(signed_in: Page, stack: Stack, served: str) -> None:
    page = signed_in
    await page.keyboard.press("Control+k")
    await page.keyboard.type("trainings of the cluster")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/detectors")
    await page.locator('[data-resource="blobs"]').wait_for()
    await page.keyboard.press("f")
    await page.wait_for_url("**/detectors?detector=blobs")
    await page.keyboard.press("f")
    await page.wait_for_url("**/detectors?training=blobs-1-2-0")
    await page.keyboard.press("F1")
    await expect(page.get_by_role("dialog", name="Keys")).to_contain_text("Suspend or resume what is open")
    assert await steps.violations(page) == []
    await page.keyboard.press("Escape")
    await page.keyboard.press("Escape")
    await page.wait_for_url("**/detectors")


def analyst_link(stack: Stack) -> str:
    headers = {"Authorization": f"Bearer {stack.token}"}
    body = {"name": "ana", "role": "analyst"}
    made = httpx.post(f"{stack.url}/api/links", json=body, headers=headers, timeout=30).raise_for_status()
    return str(made.json()["url"])


async def test_an_analyst_sees_all_and_changes_no_detector(page: Page, stack: Stack, served: str) -> None:
    await page.goto(analyst_link(stack))
    await page.get_by_role("button", name="Account of ana").wait_for()
    await opened(page, stack, "blobs")
    await expect(page.locator('[data-condition="Ready"]')).to_contain_text("2 of 2 pods take work.")
    await page.get_by_text("An administrator can suspend it, or change its version.").wait_for()
    await expect(page.get_by_role("button", name="Suspend")).to_have_count(0)
    await page.keyboard.press("s")
    await page.keyboard.press("Delete")
    await expect(page.get_by_role("dialog")).to_have_count(0)
    await expect(page.locator(".notice")).to_have_count(0)
