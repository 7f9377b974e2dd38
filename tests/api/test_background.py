"""What heals by itself: the outbox, lost work, lost ingests, missed subscriptions, abandoned uploads."""

from __future__ import annotations

import asyncio
from pathlib import Path
from uuid import UUID

import pytest

from appliance.api.background.publisher import Publisher
from appliance.api.storage.database import Database
from appliance.clients.messaging import Delivery
from appliance.contracts import keys
from appliance.contracts.errors import VedetteError
from appliance.contracts.messages import MEDIA_STREAM, MEDIA_SUBJECTS, DetectScene, NormaliseScene
from tests.api import samples
from tests.api.appliance_under_test import DATASET, Appliance


async def _heard_long_ago(api: Appliance, table: str) -> None:
    await api.sql(f"UPDATE {table} SET heard_at = now() - interval '1 year'")


async def _attempts(api: Appliance, subject: str) -> list[str]:
    rows = await api.sql("SELECT body->>'attempt' FROM outbox WHERE subject = :subject ORDER BY id", subject=subject)
    return [row[0] for row in rows]


async def _clear(api: Appliance) -> None:
    await api.sql("DELETE FROM outbox")


async def test_work_reaches_a_worker(api: Appliance) -> None:
    item = await api.push()
    while await api.publisher.once():
        pass
    assert await api.sql("SELECT count(*) FROM outbox") == [(0,)]
    found: asyncio.Future[NormaliseScene] = asyncio.get_running_loop().create_future()

    async def handle(delivery: Delivery) -> None:
        message = NormaliseScene.model_validate_json(delivery.data)
        if message.item_id == item and not found.done():
            found.set_result(message)

    working = asyncio.create_task(api.messaging.work(MEDIA_STREAM, MEDIA_SUBJECTS, "media", handle, 4))
    message = await asyncio.wait_for(found, 20)
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)
    assert message.original_key == keys.original(item)


async def test_a_message_of_another_version_does_not_hold_up_the_others(api: Appliance) -> None:
    await api.sql("INSERT INTO outbox (subject, message_id, body) VALUES ('detect.crowns', 'old', '{\"run_id\": 1}')")
    await api.push()
    assert await api.publisher.once() >= 2
    assert await api.sql("SELECT count(*) FROM outbox") == [(0,)]


async def test_two_publishers_send_each_message_once_and_in_order(api: Appliance, migrated_url: str) -> None:
    for number in range(6):
        await api.push(name=f"{number}.tif")
    wanted = [row[0] for row in await api.sql("SELECT message_id FROM outbox ORDER BY id")]
    sent: list[str] = []

    class Recording:
        async def publish(self, subject: str, message: object, message_id: str) -> None:
            await asyncio.sleep(0.01)
            sent.append(message_id)

    other = Database(migrated_url)
    publishers = [Publisher(database, Recording()) for database in (api.database, other)]  # type: ignore[arg-type]
    while await api.sql("SELECT 1 FROM outbox LIMIT 1"):
        await asyncio.gather(*(publisher.once() for publisher in publishers))
    await other.close()
    assert sent == wanted


async def test_silent_work_is_published_again(api: Appliance, tmp_path: Path) -> None:
    await api.apply_detector(tmp_path / "package")
    await api.push(name="waiting.tif")
    run, worker = await api.start_run(await api.push_ready()), api.worker()
    assert await api.place() == {run: worker.id}
    await api.reconciler.once()
    assert await api.sql("SELECT count(*) FROM outbox") == [(0,)]
    await _heard_long_ago(api, "items")
    await _heard_long_ago(api, "runs")
    await api.reconciler.once()
    assert await _attempts(api, "media.normalise") == ["1"]
    assert await api.placer.once()
    ((body,),) = await api.sql("SELECT body FROM outbox WHERE subject = 'detect.crowns'")
    again = DetectScene.model_validate(body)
    assert (again.run_id, again.attempt, again.worker_id, again.workers_lost) == (run, 1, worker.id, 0)
    await _clear(api)
    await api.reconciler.once()
    assert await api.place() == {}, "not again at once"
    assert await api.sql("SELECT count(*) FROM outbox") == [(0,)]


async def test_what_waits_for_its_turn_is_left_alone(api: Appliance, tmp_path: Path) -> None:
    await api.apply_detector(tmp_path / "package")
    await api.start_run(await api.push_ready())
    await _clear(api)
    await _heard_long_ago(api, "runs")
    await api.reconciler.once()
    assert await api.sql("SELECT count(*) FROM outbox") == [(0,)]
    assert await api.sql("SELECT count(*) FROM runs WHERE heard_at > now() - interval '1 day'") == [(0,)]


async def test_what_the_queue_holds_is_not_published_again(api: Appliance, tmp_path: Path) -> None:
    """Neither what waits in a long queue, nor what a worker has and no one has heard of since."""
    await api.apply_detector(tmp_path / "package")
    await api.push(name="waiting.tif")
    run = await api.start_run(await api.push_ready())
    api.worker()
    assert await api.placer.once()
    for state in ("queued", "running"):
        while await api.publisher.once():
            pass
        await api.sql("UPDATE runs SET state = :state", state=state)
        await _heard_long_ago(api, "items")
        await _heard_long_ago(api, "runs")
        await api.reconciler.once()
        assert await _attempts(api, "media.normalise") == []
        assert await api.place() == {}
    assert (await api.client.get(f"/api/runs/{run}")).json()["attempt"] == 1


async def test_lost_workers_are_replaced_until_there_were_too_many(api: Appliance, tmp_path: Path) -> None:
    await api.apply_detector(tmp_path / "package")
    item = await api.push(name="waiting.tif")
    run = await api.start_run(await api.push_ready())
    await _clear(api)
    api.worker()
    assert list(await api.place()) == [run]
    limit, attempts = api.services.settings.maximum_attempts, []
    for _ in range(limit):
        await api.sql("UPDATE items SET state = 'normalising' WHERE state = 'queued'")
        await api.sql("UPDATE runs SET state = 'running' WHERE state = 'queued'")
        await _heard_long_ago(api, "items")
        await _heard_long_ago(api, "runs")
        await api.reconciler.once()
        assert await api.placer.once()
        attempts.append((await _attempts(api, "media.normalise"), await _attempts(api, "detect.crowns")))
        await _clear(api)  # as if it had been published, taken by a worker, and lost
    assert attempts == [([str(number)], [str(number)]) for number in range(2, limit + 1)] + [([], [])]
    for path in (f"/api/items/{item}", f"/api/runs/{run}"):
        found = (await api.client.get(path)).json()
        assert found["state"] == "failed"
        assert found["reason"]["message"].startswith(f"Work on {'waiting' if 'items' in path else 'scene'}.tif")


async def test_a_lost_ingest_is_finished(api: Appliance, tmp_path: Path) -> None:
    await api.apply_detector(tmp_path / "package")
    run = await api.start_run(await api.push_ready(samples.scene_info(crs=None)))
    samples.pixel_detections(tmp_path / "d.parquet", 7)
    await asyncio.to_thread(api.store.put_file, keys.detections(run), tmp_path / "d.parquet", "application/x")
    await api.sql("UPDATE runs SET state = 'ingesting'")
    await _heard_long_ago(api, "runs")
    await api.reconciler.once()
    assert (await api.client.get(f"/api/runs/{run}")).json()["state"] == "succeeded"
    assert await api.sql("SELECT count(*) FROM detections") == [(7,)]


async def test_missed_subscriptions_are_filled(api: Appliance, tmp_path: Path) -> None:
    item = await api.push_ready()
    await api.apply_detector(tmp_path / "package")
    await api.sql("UPDATE detectors SET subscribe = ARRAY[:name]", name=DATASET)
    await api.reconciler.once()
    runs = (await api.client.get(f"/api/items/{item}/runs")).json()["items"]
    assert [run["state"] for run in runs] == ["queued"]
    await _clear(api)
    await api.reconciler.once()
    assert await _attempts(api, "detect.crowns") == []


async def test_abandoned_uploads_go(api: Appliance) -> None:
    announced = (await api.announce(b"never sent")).json()
    await api.reconciler.once()
    assert (await api.client.get(f"/api/items/{announced['item']['id']}")).status_code == 200
    ((upload_id,),) = await api.sql("SELECT upload_id FROM items")
    await _heard_long_ago(api, "items")
    await api.reconciler.once()
    assert (await api.client.get(f"/api/items/{announced['item']['id']}")).status_code == 404
    key = keys.original(UUID(announced["item"]["id"]))
    put = await api.outside.put(announced["upload"]["parts"][0]["url"], content=b"never sent")
    assert put.status_code == 404, (key, upload_id)


async def test_abandoned_packages_go(api: Appliance, tmp_path: Path) -> None:
    package = samples.package(tmp_path / "package")
    body = samples.package_body(package)
    uploads = (await api.client.post("/api/detectors", json=body)).json()["uploads"]
    await api.send(uploads["metrics.json"], (package.folder / "metrics.json").read_bytes())
    await api.reconciler.once()
    assert await api.sql("SELECT count(*) FROM detectors") == [(1,)]
    await api.sql("UPDATE detectors SET created_at = created_at - interval '30 days'")
    await api.reconciler.once()
    assert await api.sql("SELECT count(*) FROM detectors") == [(0,)]
    put = await api.outside.put(uploads["model.onnx"]["parts"][0]["url"], content=b"late")
    assert put.status_code == 404
    await api.apply_detector(tmp_path / "package")
    await api.sql("UPDATE detectors SET created_at = created_at - interval '30 days'")
    await api.reconciler.once()
    assert await api.sql("SELECT count(*) FROM detectors") == [(1,)], "a detector that serves is no upload"


async def test_a_report_that_is_no_report_is_put_aside(api: Appliance) -> None:
    for data in (b"", b"{}", b'{"item_id": "x"}', b"\xff"):
        await api.reports.handle(Delivery("reports.item", data, 1, 1))
        await api.reports.handle(Delivery("reports.run", data, 1, 1))


async def test_messages_wait_while_messaging_is_away(api: Appliance, nats_server) -> None:  # type: ignore[no-untyped-def]
    await api.push()
    nats_server.server.kill()
    try:
        with pytest.raises(VedetteError):
            await asyncio.wait_for(api.publisher.once(), 20)
        assert await _attempts(api, "media.normalise") == ["1"]
        assert (await api.stranger.get("/readyz")).json()["messaging"]["answers"] is False
    finally:
        nats_server.server.start()
    for _ in range(60):
        try:
            while await api.publisher.once():
                pass
            break
        except VedetteError:
            await asyncio.sleep(0.5)
    assert await _attempts(api, "media.normalise") == []


async def test_an_idle_publisher_rests_and_wakes_when_work_is_left(
    api: Appliance, monkeypatch: pytest.MonkeyPatch
) -> None:
    await _clear(api)
    looks = 0
    look = api.publisher.once

    async def counted() -> int:
        nonlocal looks
        looks += 1
        return await look()

    monkeypatch.setattr(api.publisher, "once", counted)
    publishing = asyncio.create_task(api.publisher.forever())
    try:
        await asyncio.sleep(3)
        assert looks <= 5, "it looks once a second, and its own looking does not wake it"
        await api.push()
        before = asyncio.get_running_loop().time()
        while await api.sql("SELECT count(*) FROM outbox") != [(0,)]:
            assert asyncio.get_running_loop().time() - before < 20
            await asyncio.sleep(0.05)
    finally:
        publishing.cancel()
        await asyncio.gather(publishing, return_exceptions=True)
