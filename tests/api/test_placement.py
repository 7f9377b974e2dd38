"""Runs placed on workers, through the API and real servers: who gets what, who is gone, who is drained, what is said."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from appliance.api.background.placer import Placer
from appliance.api.services.roster import Roster
from appliance.api.storage.database import Database
from appliance.api.views.accounts import Role
from appliance.contracts.messages import (
    LANES_STREAM,
    DetectScene,
    RunProgress,
    RunReport,
    RunReturned,
    RunStarted,
    lane_subject,
)
from appliance.contracts.run import Progress
from appliance.contracts.worker import WorkerKind
from tests.api import samples
from tests.api.appliance_under_test import ADDRESS, DATASET, Appliance


async def _waiting(api: Appliance, folder: Path, count: int = 1, dataset: str = DATASET) -> list[UUID]:
    """Runs that were asked for one after the other."""
    await api.apply_detector(folder / "package")
    items = [await api.push_ready(name=f"{number}.tif", dataset=dataset) for number in range(count)]
    return [await api.start_run(item) for item in items]


async def _run(api: Appliance, run: UUID) -> Any:
    return (await api.client.get(f"/api/runs/{run}")).json()


async def _started(api: Appliance, run: UUID) -> None:
    await api.report(RunReport(run_id=run, attempt=1, body=RunStarted(worker="here/1")))


def _seconds_pass(api: Appliance, seconds: int) -> None:
    for _ in range(seconds):
        api.services.roster.pass_second()


async def _published(api: Appliance) -> None:
    while await api.publisher.once():
        pass


async def test_only_as_much_is_placed_as_workers_take(api: Appliance, tmp_path: Path) -> None:
    first, second, third = await _waiting(api, tmp_path, 3)
    assert await api.place() == {}, "nobody is there"
    one = api.worker(name="one")
    assert await api.place() == {first: one.id}
    assert await api.place() == {}, "it is busy"
    two = api.worker(name="two", at_once=2)
    assert await api.place() == {second: two.id, third: two.id}


async def test_several_placers_place_each_run_once(api: Appliance, migrated_url: str, tmp_path: Path) -> None:
    runs = await _waiting(api, tmp_path, 6)
    other = Database(migrated_url)
    roster = Roster(api.messaging, other.wake)
    for number in range(6):
        known = api.worker(name=f"detector-{number}")
        roster.hear(known.id, known)
    placers = [api.placer, Placer(other, api.messaging, roster)]
    for _ in range(3):
        await asyncio.gather(*(placer.once() for placer in placers))
    await other.close()
    rows = await api.sql("SELECT body->>'run_id', body->>'worker_id' FROM outbox WHERE subject LIKE 'detect.%'")
    assert sorted(UUID(run) for run, _ in rows) == sorted(runs)
    assert len({worker for _, worker in rows}) == 6


async def test_a_run_that_cannot_be_placed_fails_and_does_not_hold_up_others(api: Appliance, tmp_path: Path) -> None:
    broken, whole = await _waiting(api, tmp_path, 2)
    await api.sql("UPDATE items SET scene = NULL WHERE id = (SELECT item_id FROM runs WHERE id = :run)", run=broken)
    worker = api.worker(at_once=2)
    assert await api.place() == {whole: worker.id}
    found = await _run(api, broken)
    assert (found["state"], found["reason"]["code"]) == ("failed", "not-found")


async def test_the_worker_finds_the_run_on_its_lane(api: Appliance, tmp_path: Path) -> None:
    [run] = await _waiting(api, tmp_path)
    worker = api.worker()
    assert await api.placer.once()
    await _published(api)
    found: asyncio.Future[DetectScene] = asyncio.get_running_loop().create_future()

    async def handle(delivery: Any) -> None:
        found.set_result(DetectScene.model_validate_json(delivery.data))

    working = asyncio.create_task(api.messaging.work_lane(worker.id, handle, 1))
    work = await asyncio.wait_for(found, 20)
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)
    assert (work.run_id, work.worker_id) == (run, worker.id)
    ((needed,),) = await api.sql("SELECT memory_bytes FROM runs")
    assert work.memory_bytes == needed > 256 << 20


async def test_a_dead_worker_does_not_keep_its_runs(api: Appliance, tmp_path: Path) -> None:
    begun, placed = await _waiting(api, tmp_path, 2)
    dead = api.worker(at_once=2)
    assert await api.placer.once()
    await _published(api)
    await _started(api, begun)
    assert await api.messaging.holds(LANES_STREAM, lane_subject(dead.id, begun, 1))
    _seconds_pass(api, 19)
    living = api.worker(name="other", at_once=2)
    assert await api.place() == {}, "it may only be slow"
    _seconds_pass(api, 1)
    api.services.roster.hear(living.id, living)
    assert await api.placer.once()
    rows = await api.sql("SELECT body FROM outbox WHERE subject LIKE 'detect.%'")
    again = {work.run_id: work for work in (DetectScene.model_validate(body) for (body,) in rows)}
    assert {work.worker_id for work in again.values()} == {living.id}
    assert again[begun].workers_lost == 1, "that counts towards giving up"
    assert again[placed].workers_lost == 0, "it was never begun"
    assert not await api.messaging.holds(LANES_STREAM, lane_subject(dead.id, begun, 1)), "the lane is closed"
    found = await _run(api, begun)
    assert (found["state"], found["attempt"]) == ("queued", 1)


async def test_a_worker_that_left_in_order_is_not_held_against_its_runs(api: Appliance, tmp_path: Path) -> None:
    [run] = await _waiting(api, tmp_path)
    leaving = api.worker()
    assert await api.place() == {run: leaving.id}
    await _started(api, run)
    api.services.roster.hear(leaving.id, None)
    other = api.worker(name="other")
    assert await api.place() == {run: other.id}
    assert await api.sql("SELECT workers_lost FROM runs") == [(0,)]


async def test_the_roster_hears_who_comes_and_who_leaves(api: Appliance) -> None:
    changes: list[float] = []
    roster = Roster(api.messaging, lambda: changes.append(time.monotonic()))
    keeping = asyncio.create_task(roster.keep())
    made = samples.worker(id=uuid4())
    try:
        for announce, there in ((api.messaging.announce(made), True), (api.messaging.forget_worker(made.id), False)):
            await announce
            async with asyncio.timeout(10):
                while (made in roster.present()) is not there:  # noqa: ASYNC110 - of another task's doing
                    await asyncio.sleep(0.01)
        assert roster.gone([made.id]) == {made.id: False}
        assert len(changes) >= 2
    finally:
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)


async def test_a_run_that_was_handed_back_goes_to_another(api: Appliance, tmp_path: Path) -> None:
    [run] = await _waiting(api, tmp_path)
    small = api.worker()
    assert await api.place() == {run: small.id}
    returned = RunReport(run_id=run, attempt=1, body=RunReturned(worker_id=small.id, why="no memory"))
    await api.report(returned)
    assert await api.place() == {}, "not back at once"
    large = api.worker(name="large")
    assert await api.place() == {run: large.id}
    await api.report(returned)
    assert await api.sql("SELECT placed_on FROM runs") == [(large.id,)], "what the first said late changes nothing"


async def test_what_nobody_can_do_says_what_it_waits_for(api: Appliance, tmp_path: Path) -> None:
    [run] = await _waiting(api, tmp_path)

    async def said() -> Any:
        api.services.runs._outlooks._at = float("-inf")
        return (await _run(api, run))["waiting"]

    assert (await said())["waits_for"] == "no detector worker is running"
    boats = api.worker(serves=[{"name": "boats"}])
    assert (await said())["waits_for"] == "no worker of crowns is running"
    small = api.worker(name="small", available_bytes=300 << 20)
    ((needed,),) = await api.sql("SELECT memory_bytes FROM runs")
    assert (await said())["waits_for"] == f"waits for a worker with {-(-needed // 100_000_000) / 10:g} GB of memory"
    await api.sql("UPDATE runs SET gpu = true")
    assert (await said())["waits_for"] == "waits for a worker with a GPU"
    assert await api.place() == {}
    listed = (await api.client.get("/api/runs")).json()["items"]
    assert listed[0]["waiting"]["position"] is None
    card = api.worker(name="card", gpus=["H200"])
    assert (await said())["position"] == 1
    assert await api.place() == {run: card.id}
    await _started(api, run)
    assert (await _run(api, run))["waiting"] is None
    assert {boats.lane, small.lane} == {True}


async def test_the_place_in_line_and_the_estimate_come_from_what_was_observed(api: Appliance, tmp_path: Path) -> None:
    first, second, third, fourth = await _waiting(api, tmp_path, 4)
    worker = api.worker()
    assert await api.place() == {first: worker.id}
    told = [(await _run(api, run))["waiting"] for run in (first, second, third)]
    assert [one["position"] for one in told] == [1, 2, 3]
    assert told[1]["starts_in_seconds"] is None, "nothing is known of this detector yet"
    await _started(api, first)
    await api.sql(
        "UPDATE runs SET state = 'succeeded', finished_at = now(), summary = "
        """'{"detections": 0, "tiles": 1, "tiles_skipped": 0, "megapixels": 0.24, "seconds": 2, "resumed_at_band": 0}' WHERE id = :run""",
        run=first,
    )
    assert await api.place() == {second: worker.id}
    await _started(api, second)
    progress = Progress(fraction=0.5, seconds_left=1.0)
    await api.report(RunReport(run_id=second, attempt=1, body=RunProgress(progress=progress)))
    api.services.runs._outlooks._at = float("-inf")
    listed = {UUID(run["id"]): run["waiting"] for run in (await api.client.get("/api/runs")).json()["items"]}
    assert listed[second] is None
    assert (listed[third]["position"], listed[fourth]["position"]) == (1, 2)
    assert 0 <= listed[third]["starts_in_seconds"] <= 1
    assert 1.9 < listed[fourth]["starts_in_seconds"] - listed[third]["starts_in_seconds"] < 2.1
    assert 1.9 < listed[fourth]["ends_in_seconds"] - listed[fourth]["starts_in_seconds"] < 2.1


async def test_a_dataset_of_higher_priority_goes_first(api: Appliance, tmp_path: Path) -> None:
    await _waiting(api, tmp_path, 2)
    [urgent] = [await api.start_run(await api.push_ready(name="urgent.tif", dataset="flood"))]
    changed = await api.client.patch("/api/datasets/flood", json={"priority": 5})
    assert (changed.status_code, changed.json()["priority"], changed.json()["title"]) == (200, 5, "")
    assert list(await _placed_by(api)) == [urgent]
    await api.client.patch("/api/datasets/flood", json={"title": "The flood"})
    kept = (await api.client.get("/api/datasets/flood")).json()
    assert (kept["priority"], kept["title"]) == (5, "The flood")
    for wrong in ({"priority": 11}, {"priority": "high"}, {"priority": 1.5}, {"name": "other"}):
        assert (await api.client.patch("/api/datasets/flood", json=wrong)).status_code == 422
    assert (await api.client.patch("/api/datasets/nowhere", json={"priority": 1})).status_code == 404


async def _placed_by(api: Appliance) -> dict[UUID, UUID]:
    api.worker()
    return await api.place()


async def test_a_drained_worker_gets_nothing_new(api: Appliance, tmp_path: Path) -> None:
    first, second = await _waiting(api, tmp_path, 2)
    left, right = api.worker(name="left"), api.worker(name="right")
    await api.messaging.announce(left)
    answer = await api.client.post("/api/workers/left/drain")
    assert (answer.status_code, answer.json()) == (200, {"name": "left", "drained": True})
    assert (await api.client.post("/api/workers/left/drain")).status_code == 200, "twice is once"
    [listed] = [w for w in (await api.client.get("/api/workers")).json()["items"] if w["id"] == str(left.id)]
    assert listed["drained"]
    [shown] = [w for w in (await api.client.get("/api/status")).json()["workers"] if w["worker"]["id"] == str(left.id)]
    assert shown["drained"]
    assert await api.place() == {first: right.id}
    await api.messaging.forget_worker(left.id)
    api.services.roster.hear(left.id, None)
    reborn = api.worker(name="left", id=uuid4())
    assert await api.place() == {}, "a drain outlives the process"
    answer = await api.client.post("/api/workers/left/resume")
    assert answer.json() == {"name": "left", "drained": False}
    assert await api.place() == {second: reborn.id}


async def test_who_may_drain_and_what_can_be_drained(api: Appliance) -> None:
    for verb in ("drain", "resume"):
        assert (await api.client.post(f"/api/workers/nobody/{verb}")).status_code == 404
        assert (await api.client.post(f"/api/workers/{'x' * 200}/{verb}")).status_code == 422
        assert (await api.stranger.post(f"/api/workers/nobody/{verb}")).status_code == 401
    media = samples.worker(id=uuid4(), name="media-9", kind=WorkerKind.MEDIA, lane=False)
    await api.messaging.announce(media)
    refused = await api.client.post("/api/workers/media-9/drain")
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid")
    await api.messaging.forget_worker(media.id)
    link = (await api.client.post("/api/links", json={"name": "ana", "role": Role.ANALYST})).json()["url"]
    signed = await api.stranger.post("/api/session", json={"link": link.partition("#link=")[2]})
    analyst = {"Origin": ADDRESS, "Cookie": f"vedette_session={signed.cookies['vedette_session']}"}
    for verb in ("drain", "resume"):
        answer = await api.stranger.post(f"/api/workers/x/{verb}", headers=analyst)
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    answer = await api.stranger.patch("/api/datasets/flood", json={"priority": 1}, headers=analyst)
    assert answer.json()["detail"] == "Only an administrator may do this."
    assert (await api.stranger.get("/api/workers", headers=analyst)).status_code == 200


async def test_a_cancelled_run_says_so_at_once(api: Appliance, tmp_path: Path) -> None:
    """Queued, placed or running: the answer is the state, and the worker is told by the next message out."""
    queued, running, placed = await _waiting(api, tmp_path, 3)
    api.worker(at_once=2)
    assert len(await api.place()) == 2
    await api.sql("UPDATE runs SET placed_on = NULL WHERE id = :run", run=queued)
    await _started(api, running)
    for run in (queued, running, placed):
        asked = time.monotonic()
        assert (await api.client.post(f"/api/runs/{run}/cancel")).json()["state"] == "cancelled"
        assert (await _run(api, run))["state"] == "cancelled"
        await _published(api)
        assert await api.messaging.is_cancelled(run, 1)
        assert time.monotonic() - asked < 1.0
    assert await api.place() == {}, "it does not come back"
