"""What Detectors of a cluster say, acted upon: runs for items old and new, canaries, promotions and rollbacks, suspension,
packages registered from the store, and the board of queues. Over real PostgreSQL, NATS and an object store."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from appliance.api.background.follower import Follower
from appliance.api.background.queue_board import QueueBoard
from appliance.api.background.settler import Settler
from appliance.api.following import routing, said
from appliance.api.following.said import Package
from appliance.api.services.following import Following
from appliance.api.services.outlook import Outlooks
from appliance.api.services.registration import Registration, Wanted
from appliance.api.services.runs import Runs
from appliance.api.views.work import NewRun
from appliance.clients.messaging import Messaging
from appliance.contracts import keys
from appliance.contracts.errors import Code, VedetteError
from appliance.contracts.messages import DetectorQueue, RunReport, RunReturned, RunStarted
from appliance.contracts.run import run_id
from appliance.formats.model_package import ModelPackage
from tests.api import samples
from tests.api.appliance_under_test import DATASET, Appliance
from tests.api.following.manifests import detector


class Cluster:
    """The Detector `crowns` as it changes, and the API that follows it."""

    def __init__(self, api: Appliance, folder: Path) -> None:
        self.api, self._folder = api, folder
        self.following, self.wanted = Following(api.database), Wanted()
        self.registration = Registration(api.database, api.store)
        self.settler = Settler(api.database, self.registration, self.wanted, self.following)
        self.version = 0
        self.packages: dict[str, ModelPackage] = {}

    async def store(self, version: str) -> ModelPackage:
        """A package that lies in the store, brought by nobody we know of."""
        made = samples.package(self._folder / version, version=version)
        for path in made.folder.iterdir():
            key = keys.model_prefix("crowns", version) + path.name
            await asyncio.to_thread(self.api.store.put_file, key, path, "application/octet-stream")
        self.packages[version] = made
        return made

    async def says(self, serving: str | None, canary: tuple[str, int] | None = None, **spec: Any) -> None:
        """The Detector changes, and all that follows from it is done."""
        self.version += 1
        manifest = detector(**{"subscribe": [{"dataset": DATASET}], **spec})
        manifest["metadata"]["resourceVersion"] = str(self.version)
        status: dict[str, Any] = {}
        if serving is not None:
            status |= {"currentVersion": serving, "currentDigest": self.packages[serving].digest}
            manifest["spec"]["model"] = {
                "storageUri": f"s3://vedette/models/crowns/{serving}",
                "digest": self.packages[serving].digest,
            }
        if canary is not None:
            version, percent = canary
            status["canary"] = {"version": version, "digest": self.packages[version].digest, "percent": percent}
        manifest["status"] = status
        follower = Follower(None, self.following, self.wanted)  # type: ignore[arg-type]
        await follower.heard(manifest, listed=False)
        await self.settler.once()

    def forget_pauses(self) -> None:
        """As if the pause before a package is looked for again were over."""
        self.wanted = Wanted()
        self.settler = Settler(self.api.database, self.registration, self.wanted, self.following)

    async def runs(self) -> dict[UUID, list[str]]:
        """The versions of which each item has runs."""
        rows = await self.api.sql("SELECT item_id, version FROM runs ORDER BY item_id, version")
        found: dict[UUID, list[str]] = {}
        for item, version in rows:
            found.setdefault(item, []).append(version)
        return found


@pytest.fixture
async def crowns(api: Appliance, tmp_path: Path) -> Cluster:
    cluster = Cluster(api, tmp_path)
    await cluster.store("1.0.0")
    await cluster.store("1.1.0")
    return cluster


async def _items(api: Appliance, count: int) -> list[UUID]:
    return [await api.push_ready(name=f"scene-{number}.tif") for number in range(count)]


async def test_a_package_that_a_resource_names_becomes_a_detector_version(api: Appliance, crowns: Cluster) -> None:
    await crowns.says("1.0.0")
    found = (await api.client.get("/api/detectors/crowns/1.0.0")).json()
    assert found["digest"] == crowns.packages["1.0.0"].digest
    assert await api.sql("SELECT name FROM detectors") == [("crowns",)]


async def test_a_package_with_other_content_is_not_registered(api: Appliance, crowns: Cluster) -> None:
    wrong = Package(name="crowns", version="1.0.0", digest=f"sha256:{'0' * 64}")
    with pytest.raises(VedetteError) as refused:
        await crowns.registration.register(wrong)
    assert refused.value.reason.code is Code.DIGEST
    absent = Package(name="crowns", version="9.0.0", digest=f"sha256:{'0' * 64}")
    with pytest.raises(VedetteError) as refused:
        await crowns.registration.register(absent)
    assert refused.value.reason.code is Code.NOT_FOUND
    assert await api.sql("SELECT name FROM detectors") == []


async def test_items_old_and_new_get_one_run_of_what_serves(api: Appliance, crowns: Cluster) -> None:
    [old] = await _items(api, 1)
    await crowns.says("1.0.0")
    new = await api.push_ready(name="new.tif")
    await crowns.says("1.0.0")
    assert await crowns.runs() == {item: ["1.0.0"] for item in (old, new)}


async def test_an_item_that_came_before_its_package_gets_its_run_with_it(
    api: Appliance, crowns: Cluster, tmp_path: Path
) -> None:
    made = samples.package(tmp_path / "late", version="2.0.0")
    crowns.packages["2.0.0"] = made
    await crowns.says("2.0.0")
    [item] = await _items(api, 1)
    assert await crowns.runs() == {}
    await crowns.store("2.0.0")
    crowns.forget_pauses()
    await crowns.says("2.0.0")
    assert await crowns.runs() == {item: ["2.0.0"]}


async def test_where_is_heeded_for_items_old_and_new(api: Appliance, crowns: Cluster) -> None:
    await _items(api, 2)  # a metre to the pixel
    await crowns.says("1.0.0", subscribe=[{"dataset": DATASET, "where": "gsd_m < 1"}])
    fine = await api.push_ready(samples.scene_info().model_copy(update={"gsd_metres": 0.3}), name="fine.tif")
    assert await crowns.runs() == {fine: ["1.0.0"]}


async def test_a_canary_gets_its_share_of_new_items_and_none_gets_both(api: Appliance, crowns: Cluster) -> None:
    await crowns.says("1.0.0")
    await crowns.says("1.0.0", canary=("1.1.0", 50))
    items = await _items(api, 12)
    expected = {item: ["1.1.0" if routing.share(item) < 50 else "1.0.0"] for item in items}
    assert await crowns.runs() == expected
    assert {version for [version] in expected.values()} == {"1.0.0", "1.1.0"}


async def test_a_rollback_gives_what_waits_to_the_version_that_serves(api: Appliance, crowns: Cluster) -> None:
    await crowns.says("1.0.0")
    await crowns.says("1.0.0", canary=("1.1.0", 100))
    first, second, third = await _items(api, 3)
    digest = crowns.packages["1.1.0"].digest
    begun, handed_back = run_id(first, digest), run_id(second, digest)
    worker = api.worker()
    await api.sql("UPDATE runs SET placed_on = :w WHERE id IN (:a, :b)", w=worker.id, a=begun, b=handed_back)
    await api.sql("UPDATE runs SET placed_on = NULL WHERE item_id = :i", i=third)
    await api.report(RunReport(run_id=begun, attempt=1, body=RunStarted(worker="w")))
    before = dict(await api.sql("SELECT item_id, queued_at FROM runs"))
    await crowns.says("1.0.0")
    # What a worker has stays with it; what nobody has goes over.
    assert await crowns.runs() == {first: ["1.1.0"], second: ["1.1.0"], third: ["1.0.0"]}
    await api.report(RunReport(run_id=handed_back, attempt=1, body=RunReturned(worker_id=worker.id, why="it ends")))
    await crowns.settler.once()
    assert await crowns.runs() == {first: ["1.1.0"], second: ["1.0.0"], third: ["1.0.0"]}
    after = dict(await api.sql("SELECT item_id, queued_at FROM runs"))
    assert after[third] == before[third]


async def test_a_promotion_does_not_double_what_the_canary_has_done(api: Appliance, crowns: Cluster) -> None:
    await crowns.says("1.0.0")
    await crowns.says("1.0.0", canary=("1.1.0", 50))
    items = await _items(api, 10)
    await crowns.says("1.1.0")
    await crowns.says("1.1.0")
    assert await crowns.runs() == {item: ["1.1.0"] for item in items}


async def test_a_suspended_detector_gets_nothing_by_itself_until_it_resumes(api: Appliance, crowns: Cluster) -> None:
    await crowns.says("1.0.0", suspend=True)
    [item] = await _items(api, 1)
    await crowns.says("1.0.0", suspend=True)
    assert await crowns.runs() == {}
    await crowns.says("1.0.0")
    assert await crowns.runs() == {item: ["1.0.0"]}


async def test_pages_hear_of_what_changed_and_of_nothing_else(api: Appliance, crowns: Cluster) -> None:
    await crowns.says("1.0.0")
    await api.sql("DELETE FROM outbox")
    await crowns.says("1.0.0")
    assert await api.sql("SELECT subject FROM outbox") == []
    await crowns.says("1.0.0", canary=("1.1.0", 10))
    assert ("events.detector.changed",) in await api.sql("SELECT subject FROM outbox")


async def test_a_run_asked_for_by_a_person_is_of_a_version_that_is_served(api: Appliance, crowns: Cluster) -> None:
    await crowns.says("1.0.0", canary=("1.1.0", 10), suspend=True)
    [item] = await _items(api, 1)
    runs = Runs(api.database, Outlooks(api.database, api.services.roster), cluster=True)
    assert (await runs.create(item, NewRun(detector="crowns")))[0].version == "1.0.0"
    assert (await runs.create(item, NewRun(detector="crowns", version="1.1.0")))[0].version == "1.1.0"
    with pytest.raises(VedetteError) as refused:
        await runs.create(item, NewRun(detector="crowns", version="0.9.0"))
    assert refused.value.reason.message == "crowns 0.9.0 is not served; 1.0.0 is."
    with pytest.raises(VedetteError, match="No version of boats is served"):
        await runs.create(item, NewRun(detector="boats"))


async def test_an_older_state_does_not_undo_a_newer(api: Appliance, crowns: Cluster) -> None:
    await crowns.says("1.0.0")
    await crowns.says("1.0.0", canary=("1.1.0", 30))
    crowns.version = 0
    await crowns.says("1.0.0")
    assert await api.sql("SELECT canary_percent FROM followed_detectors") == [(30,)]


async def test_a_deleted_detector_gets_no_more_runs_and_keeps_what_it_found(api: Appliance, crowns: Cluster) -> None:
    await crowns.says("1.0.0")
    [item] = await _items(api, 1)
    await crowns.following.gone("crowns", "another-uid")
    assert await api.sql("SELECT name FROM followed_detectors") == [("crowns",)]
    await crowns.following.only([])
    await api.push_ready(name="after.tif")
    assert await crowns.runs() == {item: ["1.0.0"]}


async def test_many_items_are_filled_by_the_page(
    api: Appliance, crowns: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("appliance.api.services.following._AT_ONCE", 2)
    items = await _items(api, 5)
    await crowns.says("1.0.0")
    assert await crowns.runs() == {item: ["1.0.0"] for item in items}


async def test_what_waits_is_put_on_the_board_when_it_changes(api: Appliance, crowns: Cluster) -> None:
    board = QueueBoard(api.database, api.messaging)
    await api.messaging.detector_queues.put("forgotten", DetectorQueue(busy=3))
    await crowns.says("1.0.0")
    first, _ = await _items(api, 2)
    await board.once()
    found = await _on_the_board(api.messaging, {"crowns", "forgotten"})
    assert found["forgotten"] is None
    queue = found["crowns"]
    assert queue is not None
    assert queue.pending_megapixels == pytest.approx(2 * samples.WIDTH * samples.HEIGHT / 1e6)
    assert queue.busy == 0
    assert queue.oldest_queued_at is not None
    sequence = await _sequence(api)
    await board.once()
    assert await _sequence(api) == sequence
    identifier = run_id(first, crowns.packages["1.0.0"].digest)
    await api.report(RunReport(run_id=identifier, attempt=1, body=RunStarted(worker="w")))
    await board.once()
    queue = (await _on_the_board(api.messaging, {"crowns"}))["crowns"]
    assert queue is not None
    assert (queue.busy, queue.pending_megapixels) == (1, pytest.approx(samples.WIDTH * samples.HEIGHT / 1e6))
    await crowns.following.only([])
    await board.once()
    assert (await _on_the_board(api.messaging, {"crowns"}))["crowns"] is None


async def _on_the_board(messaging: Messaging, names: set[str]) -> dict[str, DetectorQueue | None]:
    found: dict[str, DetectorQueue | None] = {}
    async with asyncio.timeout(30):
        async for name, queue in messaging.detector_queues.follow():
            found[name] = queue
            if names <= set(found):
                break
    return found


async def _sequence(api: Appliance) -> int:
    return int((await api.messaging._stream.stream_info("KV_queues")).state.last_seq)


def test_the_manifests_of_these_tests_are_understood() -> None:
    assert said.detector(detector())[0].name == "crowns"
