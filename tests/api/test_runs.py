"""Runs: one per detector version and item, moved by reports, once, in whatever order these come."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID, uuid4

from appliance.contracts import keys
from appliance.contracts.errors import Code, Reason
from appliance.contracts.messages import (
    ItemProgress,
    ItemReport,
    RunCancelled,
    RunProgress,
    RunReport,
    RunStarted,
    WorkFailed,
)
from appliance.contracts.run import Progress, run_id
from tests.api import samples
from tests.api.appliance_under_test import DATASET, Appliance, ready


async def _running(api: Appliance, folder: Path) -> tuple[UUID, UUID]:
    await api.apply_detector(folder / "package")
    item = await api.push_ready(samples.scene_info(crs=None))
    return item, await api.start_run(item)


async def _state(api: Appliance, run: UUID) -> str:
    state: str = (await api.client.get(f"/api/runs/{run}")).json()["state"]
    return state


def _progress(run: UUID, fraction: float, attempt: int = 1) -> RunReport:
    return RunReport(run_id=run, attempt=attempt, body=RunProgress(progress=Progress(fraction=fraction)))


async def test_asking_twice_is_asking_once(api: Appliance, tmp_path: Path) -> None:
    detector = await api.apply_detector(tmp_path / "package")
    item = await api.push_ready()
    first = await api.client.post(f"/api/items/{item}/runs", json={"detector": "crowns"})
    again = await api.client.post(f"/api/items/{item}/runs", json={"detector": "crowns", "version": "1.0.0"})
    assert (first.status_code, again.status_code) == (201, 200)
    assert UUID(first.json()["id"]) == run_id(item, detector["digest"])
    assert first.json() == again.json()
    api.worker()
    assert await api.placer.once()
    ((body,),) = await api.sql("SELECT body FROM outbox WHERE subject = 'detect.crowns'")
    assert body["package_prefix"] == "models/crowns/1.0.0/"
    assert body["scene"]["crs"] == "EPSG:32617"


async def test_only_a_ready_item_and_a_known_detector_run(api: Appliance, tmp_path: Path) -> None:
    item = await api.push()
    await api.apply_detector(tmp_path / "package")
    early = await api.client.post(f"/api/items/{item}/runs", json={"detector": "crowns"})
    assert early.status_code == 409
    await api.report(ready(item, samples.scene_info(), f"sha256:{'a' * 64}"))
    for body in ({"detector": "boats"}, {"detector": "crowns", "version": "9.9.9"}):
        assert (await api.client.post(f"/api/items/{item}/runs", json=body)).status_code == 404


async def test_the_newest_version_runs(api: Appliance, tmp_path: Path) -> None:
    for version in ("1.10.0", "1.9.0", "1.11.0-rc.1"):
        await api.apply_detector(tmp_path / version, version=version)
    item = await api.push_ready()
    answer = await api.client.post(f"/api/items/{item}/runs", json={"detector": "crowns"})
    assert answer.json()["version"] == "1.11.0-rc.1"
    await api.apply_detector(tmp_path / "1.11.0", version="1.11.0")
    answer = await api.client.post(f"/api/items/{item}/runs", json={"detector": "crowns"})
    assert answer.json()["version"] == "1.11.0"


async def test_a_run_from_start_to_success(api: Appliance, tmp_path: Path) -> None:
    item, run = await _running(api, tmp_path)
    await api.report(RunReport(run_id=run, attempt=1, body=RunStarted(worker="w1")))
    await api.report(_progress(run, 0.5))
    await api.report(_progress(run, 0.3))
    found = (await api.client.get(f"/api/runs/{run}")).json()
    assert (found["state"], found["progress"]["fraction"]) == ("running", 0.5)
    samples.pixel_detections(tmp_path / "d.parquet", 50)
    done = await api.finish_run(item, run, tmp_path / "d.parquet", 50)
    assert (done["state"], done["progress"]["fraction"], done["summary"]["detections"]) == ("succeeded", 1.0, 50)
    assert await api.sql("SELECT count(*) FROM detections") == [(50,)]
    link = await api.client.get(f"/api/runs/{run}/detections.parquet")
    assert (await api.outside.get(link.headers["location"])).content == (tmp_path / "d.parquet").read_bytes()
    assert (await api.client.post(f"/api/runs/{run}/cancel")).status_code == 409
    assert (await api.client.post(f"/api/runs/{run}/retry")).status_code == 409


async def test_finished_before_started_still_succeeds(api: Appliance, tmp_path: Path) -> None:
    item, run = await _running(api, tmp_path)
    samples.pixel_detections(tmp_path / "d.parquet", 5)
    await api.finish_run(item, run, tmp_path / "d.parquet", 5)
    await api.report(RunReport(run_id=run, attempt=1, body=RunStarted(worker="w1")))
    await api.report(_progress(run, 0.2))
    assert await _state(api, run) == "succeeded"


async def test_finishing_twice_is_finishing_once(api: Appliance, tmp_path: Path) -> None:
    item, run = await _running(api, tmp_path)
    samples.pixel_detections(tmp_path / "d.parquet", 20)
    first = await api.finish_run(item, run, tmp_path / "d.parquet", 20)
    assert await api.finish_run(item, run, tmp_path / "d.parquet", 20) == first
    assert await api.sql("SELECT count(*) FROM detections") == [(20,)]


async def test_older_attempts_are_ignored(api: Appliance, tmp_path: Path) -> None:
    item, run = await _running(api, tmp_path)
    reason = Reason(code=Code.STORE, message="The store stalled.", retryable=True)
    await api.report(RunReport(run_id=run, attempt=1, body=WorkFailed(reason=reason)))
    assert await _state(api, run) == "failed"
    retried = (await api.client.post(f"/api/runs/{run}/retry")).json()
    assert (retried["state"], retried["attempt"], retried["reason"]) == ("queued", 2, None)
    await api.report(_progress(run, 0.9, attempt=1))
    await api.report(RunReport(run_id=run, attempt=1, body=RunCancelled()))
    samples.pixel_detections(tmp_path / "d.parquet", 5)
    await api.finish_run(item, run, tmp_path / "d.parquet", 5, attempt=1)
    assert await _state(api, run) == "queued"
    await api.finish_run(item, run, tmp_path / "d.parquet", 5, attempt=2)
    assert await _state(api, run) == "succeeded"


async def test_older_attempts_of_items_are_ignored(api: Appliance) -> None:
    item = await api.push()
    reason = Reason(code=Code.STORE, message="The store stalled.", retryable=True)
    await api.report(ItemReport(item_id=item, attempt=1, body=WorkFailed(reason=reason)))
    await api.client.post(f"/api/items/{item}/retry")
    await api.report(ItemReport(item_id=item, attempt=1, body=ItemProgress(percent=70)))
    await api.report(ready(item, samples.scene_info(), f"sha256:{'a' * 64}", attempt=1))
    found = (await api.client.get(f"/api/items/{item}")).json()
    assert (found["state"], found["progress_percent"]) == ("queued", 0)
    await api.report(ready(item, samples.scene_info(), f"sha256:{'a' * 64}", attempt=2))
    assert (await api.client.get(f"/api/items/{item}")).json()["state"] == "ready"


async def test_cancelling_reaches_the_workers_and_can_be_taken_back(api: Appliance, tmp_path: Path) -> None:
    _, run = await _running(api, tmp_path)
    assert (await api.client.post(f"/api/runs/{run}/cancel")).json()["state"] == "cancelled"
    assert (await api.client.post(f"/api/runs/{run}/cancel")).status_code == 200
    await api.publisher.once()
    assert await api.messaging.is_cancelled(run, 1)
    await api.report(_progress(run, 0.5))
    assert await _state(api, run) == "cancelled"
    await api.client.post(f"/api/runs/{run}/retry")
    await api.publisher.once()
    assert await api.messaging.is_cancelled(run, 1), "a worker that has not heard of it yet stops as well"
    assert not await api.messaging.is_cancelled(run, 2)


async def test_reports_of_what_was_deleted_remove_its_files(api: Appliance) -> None:
    run, item = uuid4(), uuid4()
    api.store.put_bytes(keys.detections(run), b"late", "application/octet-stream")
    api.store.put_bytes(keys.scene(item), b"late", "application/octet-stream")
    await api.report(_progress(run, 0.5))
    await api.report(ItemReport(item_id=item, attempt=1, body=ItemProgress(percent=5)))
    while await api.removals.once():
        pass
    assert api.store.stat(keys.detections(run)) is None
    assert api.store.stat(keys.scene(item)) is None


async def test_runs_are_listed_by_dataset_and_state(api: Appliance, tmp_path: Path) -> None:
    item, run = await _running(api, tmp_path)
    other = await api.push_ready(name="other.tif", dataset="elsewhere")
    second = await api.start_run(other)
    await api.client.post(f"/api/runs/{second}/cancel")

    async def listed(**params: str) -> list[str]:
        page = (await api.client.get("/api/runs", params=params)).json()
        return [one["id"] for one in page["items"]]

    assert await listed() == [str(second), str(run)]
    assert await listed(dataset=DATASET) == [str(run)]
    assert await listed(state="cancelled") == [str(second)]
    assert (await api.client.get(f"/api/items/{item}/runs")).json()["items"][0]["id"] == str(run)
