"""The detector worker process against a real queue and a real store."""

from __future__ import annotations

import asyncio
import shutil
import signal
import time
from pathlib import Path
from uuid import UUID, uuid4

import numpy as np
import psutil
import pyarrow.parquet as pq
import pytest

from appliance.contracts import keys
from appliance.contracts.errors import Code
from appliance.contracts.messages import (
    LANES_STREAM,
    MAXIMUM_DELIVERIES,
    RunCancelled,
    RunFinished,
    RunProgress,
    RunReport,
    RunReturned,
    RunStarted,
    WorkFailed,
    lane_subject,
)
from appliance.contracts.worker import WorkerAnnouncement, WorkerKind
from appliance.formats import model_package
from tests import blobs
from tests.inference_worker.conftest import Bench

pytestmark = pytest.mark.timeout(180)


def found(path: Path) -> np.ndarray:
    """(n, 2) centres of the detections, sorted."""
    table = pq.read_table(path)
    centres = np.stack([table["x"].to_numpy(), table["y"].to_numpy()], axis=1)
    return centres[np.lexsort(centres.T)]


def expected(centres: np.ndarray) -> np.ndarray:
    """Pixel centres lie at .5."""
    return centres[np.lexsort(centres.T)] + 0.5


async def until(condition: object, seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline, "it did not happen in time"
        await asyncio.sleep(0.05)


async def test_finds_every_object_and_reports_it(bench: Bench, tmp_path: Path) -> None:
    centres = blobs.centres(900, 700, 80)
    scene = blobs.write_scene(tmp_path / "scene.tif", 900, 700, centres)
    bench.start_worker()
    work = await bench.submit(scene, blobs.write_package(tmp_path / "package"))
    report = await bench.end(work)
    assert isinstance(report.body, RunFinished), report
    assert report.body.summary.detections == 80
    assert report.body.detections_key == keys.detections(work.run_id)
    np.testing.assert_allclose(found(bench.detections(work)), expected(centres), atol=0.01)
    kinds = [type(heard.body) for _, heard in bench.heard[work.run_id]]
    assert kinds[0] is RunStarted
    assert kinds[-1] is RunFinished
    await until(lambda: bench.checkpoints(work) == [])
    left = [path.name for path in (bench.folder / "work" / "detector").glob("*/*")]
    assert left == [".lock"], "a temporary file was left behind"


async def test_says_who_it_is_and_what_it_has_loaded(bench: Bench, tmp_path: Path) -> None:
    scene = blobs.write_scene(tmp_path / "scene.tif", 300, 300, blobs.centres(300, 300, 5))
    worker = bench.start_worker()
    await bench.end(await bench.submit(scene, blobs.write_package(tmp_path / "package", name="herons")))

    async def mine() -> list[WorkerAnnouncement]:
        return [each for each in await bench.messaging.workers() if each.process_id == worker.pid]

    deadline = time.monotonic() + 10
    while not (known := await mine()) or known[0].busy_with is not None:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.1)
    assert known[0].kind is WorkerKind.DETECTOR
    assert known[0].detectors == ["herons"]
    worker.terminate()
    await asyncio.to_thread(worker.wait, 20)
    assert worker.returncode == 0
    assert await mine() == [], "a worker that left in order is forgotten at once"


async def test_a_killed_worker_loses_nothing_and_counts_nothing_twice(bench: Bench, tmp_path: Path) -> None:
    centres = blobs.centres(1200, 3600, 300)
    scene = blobs.write_scene(tmp_path / "long.tif", 1200, 3600, centres)
    slow = blobs.write_package(tmp_path / "slow", name="slow", burn=2)
    first = bench.start_worker("first")
    work = await bench.submit(scene, slow)
    await until(lambda: len(bench.checkpoints(work)) >= 2, 60)
    first.send_signal(signal.SIGKILL)
    first.wait()
    assert not any(isinstance(heard.body, RunFinished) for _, heard in bench.heard[work.run_id]), "it was too fast"
    bench.start_worker("second")
    await bench.place(work)
    report = await bench.end(work, 120)
    assert isinstance(report.body, RunFinished), report
    assert report.body.summary.resumed_at_band >= 2
    assert report.body.summary.detections == 300
    np.testing.assert_allclose(found(bench.detections(work)), expected(centres), atol=0.01)

    whole = await bench.submit(scene, slow)
    again = await bench.end(whole, 120)
    assert isinstance(again.body, RunFinished)
    assert again.body.summary.resumed_at_band == 0
    assert pq.read_table(bench.detections(work)).equals(pq.read_table(bench.detections(whole)))


async def test_a_cancelled_run_stops_within_a_second(bench: Bench, tmp_path: Path) -> None:
    scene = blobs.write_scene(tmp_path / "long.tif", 1200, 6000, blobs.centres(1200, 6000, 50))
    worker = bench.start_worker()
    work = await bench.submit(scene, blobs.write_package(tmp_path / "slow", name="slow-to-cancel", burn=4))
    await bench.until(work, (RunProgress,))
    asked = time.monotonic()
    await bench.messaging.cancel_run(work.run_id)
    report = await bench.end(work)
    assert isinstance(report.body, RunCancelled), report
    heard = next(at for at, each in bench.heard[work.run_id] if isinstance(each.body, RunCancelled))
    assert heard - asked < 1.0
    assert worker.poll() is None, "the worker lives on"


async def test_a_run_cancelled_before_it_began_never_begins(bench: Bench, tmp_path: Path) -> None:
    scene = blobs.write_scene(tmp_path / "scene.tif", 300, 300, blobs.centres(300, 300, 5))
    package = blobs.write_package(tmp_path / "package", name="never")
    bench.start_worker()
    work = await bench.prepare(scene, package)
    await bench.messaging.cancel_run(work.run_id)
    await bench.place(work)
    report = await bench.end(work)
    assert isinstance(report.body, RunCancelled)
    assert not any(isinstance(heard.body, RunStarted) for _, heard in bench.heard[work.run_id])


async def test_a_retry_straight_after_a_cancellation_runs(bench: Bench, tmp_path: Path) -> None:
    """The cancellation stands for the attempt it was asked of, and is not forgotten by the next."""
    scene = blobs.write_scene(tmp_path / "scene.tif", 300, 300, blobs.centres(300, 300, 5))
    bench.start_worker()
    work = await bench.prepare(scene, blobs.write_package(tmp_path / "package", name="again"))
    await bench.messaging.cancel_run(work.run_id, 1)
    await bench.place(work)
    await bench.place(work.model_copy(update={"attempt": 2}))
    await until(lambda: {report.attempt for _, report in _ends(bench, work.run_id)} == {1, 2}, 60)
    assert {report.attempt: type(report.body) for _, report in _ends(bench, work.run_id)} == {
        1: RunCancelled,
        2: RunFinished,
    }


def _ends(bench: Bench, run: UUID) -> list[tuple[float, RunReport]]:
    return [each for each in bench.heard[run] if isinstance(each[1].body, RunFinished | RunCancelled | WorkFailed)]


async def test_progress_rises_and_is_said_at_most_twice_a_second(bench: Bench, tmp_path: Path) -> None:
    scene = blobs.write_scene(tmp_path / "long.tif", 1200, 2400, blobs.centres(1200, 2400, 50))
    bench.start_worker()
    work = await bench.submit(scene, blobs.write_package(tmp_path / "slow", name="slow-progress", burn=2))
    await bench.end(work)
    said = [(at, heard.body.progress) for at, heard in bench.heard[work.run_id] if isinstance(heard.body, RunProgress)]
    assert said
    fractions = [progress.fraction for _, progress in said]
    assert fractions == sorted(fractions)
    assert len(said) <= 2 * (said[-1][0] - said[0][0]) + 2


async def test_a_package_that_is_not_what_was_announced_fails_with_the_reason(bench: Bench, tmp_path: Path) -> None:
    scene = blobs.write_scene(tmp_path / "scene.tif", 300, 300, blobs.centres(300, 300, 5))
    worker = bench.start_worker()
    package = blobs.write_package(tmp_path / "package", name="tampered")
    other = tmp_path / "other"
    shutil.copytree(package.folder, other)
    (other / "MODEL_CARD.md").write_text("Something else.")
    changed = model_package.read(other)
    work = await bench.submit(scene, model_package.ModelPackage(changed.folder, changed.manifest, package.digest))
    report = await bench.end(work)
    assert isinstance(report.body, WorkFailed), report
    assert report.body.reason.code is Code.DIGEST
    assert worker.poll() is None


async def test_a_model_that_is_no_model_fails_with_the_reason(bench: Bench, tmp_path: Path) -> None:
    scene = blobs.write_scene(tmp_path / "scene.tif", 300, 300, blobs.centres(300, 300, 5))
    worker = bench.start_worker()
    package = blobs.write_package(tmp_path / "package", name="broken")
    package.model_path.write_bytes(b"this is not a graph")
    work = await bench.submit(scene, model_package.read(package.folder))
    report = await bench.end(work)
    assert isinstance(report.body, WorkFailed), report
    assert report.body.reason.code is Code.MODEL_PACKAGE
    assert report.body.reason.remedy
    assert worker.poll() is None


async def test_work_that_nobody_understands_does_not_stop_the_worker(bench: Bench, tmp_path: Path) -> None:
    scene = blobs.write_scene(tmp_path / "scene.tif", 300, 300, blobs.centres(300, 300, 5))
    bench.start_worker()
    strange = RunStarted(worker="not work at all")
    subject = lane_subject(await bench.lane(), uuid4(), 1)
    await bench.messaging.publish(subject, strange, f"strange/{time.time_ns()}")
    report = await bench.end(await bench.submit(scene, blobs.write_package(tmp_path / "package")))
    assert isinstance(report.body, RunFinished)
    assert "work not understood" in bench.log()


async def test_two_workers_share_the_work(bench: Bench, tmp_path: Path) -> None:
    scene = blobs.write_scene(tmp_path / "scene.tif", 900, 900, blobs.centres(900, 900, 60))
    package = blobs.write_package(tmp_path / "package", name="shared", burn=1)
    for name in ("one", "two"):
        bench.start_worker(name)
    works = [await bench.submit(scene, package) for _ in range(6)]
    reports = [await bench.end(work) for work in works]
    assert all(isinstance(report.body, RunFinished) for report in reports)
    started = [
        heard.body.worker
        for work in works
        for _, heard in bench.heard[work.run_id]
        if isinstance(heard.body, RunStarted)
    ]
    assert len(started) == 6, "each run was taken by one worker"
    assert len(set(started)) == 2


async def test_a_stopped_worker_hands_its_run_back(bench: Bench, tmp_path: Path) -> None:
    centres = blobs.centres(1200, 3600, 100)
    scene = blobs.write_scene(tmp_path / "long.tif", 1200, 3600, centres)
    first = bench.start_worker("first")
    work = await bench.submit(scene, blobs.write_package(tmp_path / "slow", name="handed", burn=2))
    await until(lambda: len(bench.checkpoints(work)) >= 1, 60)
    first.terminate()
    await asyncio.to_thread(first.wait, 30)
    assert first.returncode == 0
    assert not any(isinstance(each.body, RunCancelled | WorkFailed) for _, each in bench.heard[work.run_id])
    bench.start_worker("second")
    await bench.place(work)
    report = await bench.end(work, 120)
    assert isinstance(report.body, RunFinished), report
    assert report.body.summary.resumed_at_band >= 1
    np.testing.assert_allclose(found(bench.detections(work)), expected(centres), atol=0.01)


async def test_a_worker_without_the_memory_hands_the_run_back(bench: Bench, tmp_path: Path) -> None:
    scene = blobs.write_scene(tmp_path / "scene.tif", 300, 300, blobs.centres(300, 300, 5))
    bench.start_worker()
    work = await bench.prepare(scene, blobs.write_package(tmp_path / "package", name="large"))
    placed = await bench.place(work.model_copy(update={"memory_bytes": 1 << 50}))
    report = await bench.until(placed, (RunReturned,))
    assert isinstance(report.body, RunReturned)
    assert report.body.worker_id == placed.worker_id
    await bench.place(work)
    assert isinstance((await bench.end(work)).body, RunFinished), "it lives on, and does what it can"
    async with asyncio.timeout(10):
        while await bench.messaging.holds(LANES_STREAM, placed.subject):  # noqa: ASYNC110 - of another process's doing
            await asyncio.sleep(0.05)


async def test_a_run_that_ended_five_workers_is_given_up(bench: Bench, tmp_path: Path) -> None:
    scene = blobs.write_scene(tmp_path / "scene.tif", 300, 300, blobs.centres(300, 300, 5))
    bench.start_worker()
    work = await bench.prepare(scene, blobs.write_package(tmp_path / "package", name="deadly"))
    await bench.place(work.model_copy(update={"workers_lost": MAXIMUM_DELIVERIES}))
    report = await bench.end(work)
    assert isinstance(report.body, WorkFailed)
    assert "5 workers ended while they looked at scene.tif" in report.body.reason.message


async def test_a_worker_says_what_it_can_do(bench: Bench) -> None:
    can = {"NAME": "left", "DETECTORS": "crowns,boats/1.2.0", "MEMORY_BYTES": str(1 << 20), "CONCURRENCY": "2"}
    bench.environment |= {f"VEDETTE_WORK_{name}": value for name, value in can.items()}
    worker = bench.start_worker()
    lane = await bench.lane()
    [said] = [each for each in await bench.messaging.workers() if each.id == lane]
    assert (said.name, said.process_id, said.lane, said.at_once) == ("left", worker.pid, True, 2)
    assert said.available_bytes == 1 << 20
    assert [(each.name, each.version) for each in said.serves] == [("crowns", None), ("boats", "1.2.0")]


async def test_a_worker_of_no_detector_does_not_start(bench: Bench) -> None:
    bench.environment |= {"VEDETTE_WORK_DETECTORS": "Not A Name"}
    worker = bench.start_worker()
    assert await asyncio.to_thread(worker.wait, 60) == 1
    assert "Traceback" not in bench.log()
    assert "VEDETTE_WORK_DETECTORS" in bench.log()
    bench.workers.clear()


async def test_memory_does_not_grow_over_many_runs(bench: Bench, tmp_path: Path) -> None:
    scene = blobs.write_scene(tmp_path / "scene.tif", 900, 900, blobs.centres(900, 900, 60))
    package = blobs.write_package(tmp_path / "package", name="many")
    worker = bench.start_worker()

    async def runs(count: int) -> int:
        for _ in range(count):
            assert isinstance((await bench.end(await bench.submit(scene, package))).body, RunFinished)
        return psutil.Process(worker.pid).memory_info().rss

    settled = await runs(8)
    after = await runs(24)
    assert after - settled < 24 << 20, f"{(after - settled) >> 20} MiB more after 24 runs"
