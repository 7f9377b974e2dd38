"""Detectors are what they say they are, never change, and run by themselves where they are subscribed."""

from __future__ import annotations

from pathlib import Path

from appliance.contracts import keys
from tests.api import samples
from tests.api.appliance_under_test import DATASET, Appliance


async def test_a_package_is_uploaded_verified_and_listed(api: Appliance, tmp_path: Path) -> None:
    found = await api.apply_detector(tmp_path / "package")
    listed = (await api.client.get("/api/detectors")).json()["items"]
    assert listed == [found]
    assert (await api.client.get("/api/detectors/crowns/1.0.0")).json() == found
    again = await api.client.post("/api/detectors", json=samples.package_body(samples.package(tmp_path / "package")))
    assert (again.json()["detector"], again.json()["uploads"]) == (found, {})
    assert (await api.client.post("/api/detectors/crowns/1.0.0/complete")).json() == found


async def test_other_bytes_than_announced_are_refused_and_removed(api: Appliance, tmp_path: Path) -> None:
    package = samples.package(tmp_path / "package")
    uploads = (await api.client.post("/api/detectors", json=samples.package_body(package))).json()["uploads"]
    for name, upload in uploads.items():
        content = (package.folder / name).read_bytes()
        await api.send(upload, content[::-1] if name == "model.onnx" else content)
    answer = await api.client.post("/api/detectors/crowns/1.0.0/complete")
    assert (answer.status_code, answer.json()["code"]) == (422, "digest")
    assert "model.onnx" in answer.json()["detail"]
    assert list(api.store.list_objects(keys.model_prefix("crowns", "1.0.0"))) == []
    assert (await api.client.get("/api/detectors/crowns/1.0.0")).status_code == 404
    await api.apply_detector(tmp_path / "package")


async def test_a_manifest_other_than_the_file_is_refused(api: Appliance, tmp_path: Path) -> None:
    package = samples.package(tmp_path / "package")
    body = samples.package_body(package)
    body["manifest"]["running_point"]["threshold"] = 0.01
    uploads = (await api.client.post("/api/detectors", json=body)).json()["uploads"]
    for name, upload in uploads.items():
        await api.send(upload, (package.folder / name).read_bytes())
    answer = await api.client.post("/api/detectors/crowns/1.0.0/complete")
    assert (answer.status_code, answer.json()["code"]) == (422, "model-package")


async def test_missing_parts_and_wrong_lists_are_told(api: Appliance, tmp_path: Path) -> None:
    body = samples.package_body(samples.package(tmp_path / "package"))
    assert (await api.client.post("/api/detectors", json=body)).status_code == 200
    assert (await api.client.get("/api/detectors")).json()["items"] == []
    early = await api.client.post("/api/detectors/crowns/1.0.0/complete")
    assert (early.status_code, early.json()["code"]) == (409, "conflict")
    fewer = {**body, "files": body["files"][:-1]}
    assert (await api.client.post("/api/detectors", json=fewer)).json()["code"] == "model-package"
    escaping = {**body, "files": [{**body["files"][0], "name": "../x"}, *body["files"][1:]]}
    assert (await api.client.post("/api/detectors", json=escaping)).json()["code"] == "model-package"
    wrong = {**body, "digest": f"sha256:{'0' * 64}"}
    assert (await api.client.post("/api/detectors", json=wrong)).json()["code"] == "digest"


async def test_variants_come_along_and_must_be_what_was_measured(api: Appliance, tmp_path: Path) -> None:
    made = samples.with_variant(samples.package(tmp_path / "package"))
    body = samples.package_body(made)
    lacking = {**body, "files": [each for each in body["files"] if each["name"] != "model.int8.onnx"]}
    assert (await api.client.post("/api/detectors", json=lacking)).json()["code"] == "model-package"
    other = [
        {**each, "sha256": f"sha256:{'0' * 64}"} if each["name"] == "model.int8.onnx" else each
        for each in body["files"]
    ]
    assert (await api.client.post("/api/detectors", json={**body, "files": other})).json()["code"] == "digest"
    for name, upload in (await api.client.post("/api/detectors", json=body)).json()["uploads"].items():
        await api.send(upload, (made.folder / name).read_bytes())
    served = (await api.client.post("/api/detectors/crowns/1.0.0/complete")).json()
    assert served["manifest"]["variants"][0]["speed_up"] == 2.0
    prefix = keys.model_prefix("crowns", "1.0.0")
    assert api.store.get_bytes(f"{prefix}model.int8.onnx", 1 << 20) == (made.folder / "model.int8.onnx").read_bytes()


async def test_a_version_never_changes(api: Appliance, tmp_path: Path) -> None:
    await api.apply_detector(tmp_path / "one")
    changed = samples.package_body(samples.package(tmp_path / "two", threshold=0.7))
    answer = await api.client.post("/api/detectors", json=changed)
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")


async def _runs(api: Appliance) -> list[tuple[str, str]]:
    page = (await api.client.get("/api/runs")).json()
    return sorted((run["item_name"], run["version"]) for run in page["items"])


async def test_subscriptions_run_by_themselves(api: Appliance, tmp_path: Path) -> None:
    await api.push_ready(name="before.tif")
    await api.push_ready(name="elsewhere.tif", dataset="elsewhere")
    await api.apply_detector(tmp_path / "one", subscribe=[DATASET])
    assert await _runs(api) == [("before.tif", "1.0.0")]
    await api.push_ready(name="after.tif")
    assert await _runs(api) == [("after.tif", "1.0.0"), ("before.tif", "1.0.0")]


async def test_a_newer_version_takes_the_subscription_over(api: Appliance, tmp_path: Path) -> None:
    await api.apply_detector(tmp_path / "one", subscribe=[DATASET])
    await api.apply_detector(tmp_path / "two", subscribe=[DATASET], version="2.0.0")
    await api.push_ready(name="after.tif")
    assert await _runs(api) == [("after.tif", "2.0.0")]
    body = samples.package_body(samples.package(tmp_path / "two", version="2.0.0"), [])
    assert (await api.client.post("/api/detectors", json=body)).json()["detector"]["subscribe"] == []
    await api.push_ready(name="later.tif")
    assert await _runs(api) == [("after.tif", "2.0.0")]


async def test_subscriptions_change_without_the_package(api: Appliance, tmp_path: Path) -> None:
    await api.push_ready(name="before.tif")
    await api.apply_detector(tmp_path / "one")
    await api.apply_detector(tmp_path / "two", version="2.0.0", subscribe=["elsewhere"])
    changed = await api.client.patch("/api/detectors/crowns/1.0.0", json={"subscribe": [DATASET]})
    assert (changed.status_code, changed.json()["subscribe"]) == (200, [DATASET])
    assert await _runs(api) == [("before.tif", "1.0.0")]
    assert (await api.client.get("/api/detectors/crowns/2.0.0")).json()["subscribe"] == []
    nowhere = await api.client.patch("/api/detectors/crowns/3.0.0", json={"subscribe": []})
    assert (nowhere.status_code, nowhere.json()["code"]) == (404, "not-found")
    assert (await api.stranger.patch("/api/detectors/crowns/1.0.0", json={"subscribe": []})).status_code == 401
