"""Placement with real detector workers: one drained, one killed while it has runs; priorities; how soon a run is cancelled."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from appliance.standalone import parts, state
from appliance.standalone.layout import DataFolder
from appliance.standalone.parts import Workers
from tests import blobs
from tests.conftest import Stack

pytestmark = [pytest.mark.stack, pytest.mark.timeout(400)]

FIRST = "detector-1"


@pytest.fixture
def api(stack: Stack) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {stack.token}"}
    with httpx.Client(base_url=stack.url, headers=headers, trust_env=False, timeout=30) as client:
        yield client


@contextlib.contextmanager
def worker(stack: Stack, folder: Path, name: str) -> Iterator[subprocess.Popen[bytes]]:
    """One more detector worker of the same appliance."""
    data = DataFolder.of(stack.data)
    known = state.load(data)
    assert known is not None
    settings = parts.plan(data, known, Workers()).around.environment(database=False)
    work = folder / name
    work.mkdir()
    settings |= {"VEDETTE_WORK_FOLDER": str(work), "VEDETTE_WORK_NAME": name, "VEDETTE_WORK_THREADS": "1"}
    command = [sys.executable, "-m", "appliance.inference.worker"]
    with (folder / f"{name}.log").open("wb") as log:
        process = subprocess.Popen(command, env=stack.environment | settings, stdout=log, stderr=log)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(30)


def until(condition: Callable[[], Any], seconds: float = 60, pause: float = 0.05) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(pause)
    return found


def names(api: httpx.Client) -> set[str]:
    return {each["name"] for each in api.get("/api/workers").json()["items"]}


def scenes(stack: Stack, api: httpx.Client, folder: Path, dataset: str, size: tuple[int, int], count: int) -> list[str]:
    """Ready items of a new dataset."""
    assert api.post("/api/datasets", json={"name": dataset}).status_code == 201
    for number in range(count):
        blobs.write_scene(folder / f"{dataset}-{number}.tif", *size, blobs.centres(*size, 20, seed=number))
    files = [str(folder / f"{dataset}-{number}.tif") for number in range(count)]
    done = stack.vedette("item", "push", *files, "--dataset", dataset, "--wait")
    assert done.returncode == 0, done.stderr
    items = api.get(f"/api/datasets/{dataset}/items").json()["items"]
    return [item["id"] for item in sorted(items, key=lambda item: item["name"])]


def applied(stack: Stack, folder: Path, name: str, burn: int = 0) -> str:
    package = blobs.write_package(folder / f"package-{name}", name=name, burn=burn)
    assert stack.vedette("detector", "apply", str(package.folder)).returncode == 0
    return name


def start(api: httpx.Client, item: str, detector: str) -> str:
    answer = api.post(f"/api/items/{item}/runs", json={"detector": detector})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def run_of(api: httpx.Client, run: str) -> Any:
    return api.get(f"/api/runs/{run}").json()


def ended(api: httpx.Client, runs: list[str], seconds: float = 150) -> list[Any]:
    """All of them succeeded."""
    until(lambda: all(run_of(api, run)["state"] in {"succeeded", "failed"} for run in runs), seconds, 0.2)
    found = [run_of(api, run) for run in runs]
    assert [run["state"] for run in found] == ["succeeded"] * len(runs), found
    return found


def busy(api: httpx.Client) -> dict[str, str]:
    """What each worker is at."""
    return {w["name"]: w["busy_with"] for w in api.get("/api/workers").json()["items"] if w["busy_with"]}


def test_a_drained_worker_finishes_what_it_has_and_the_others_do_the_rest(
    stack: Stack, api: httpx.Client, tmp_path: Path
) -> None:
    items = scenes(stack, api, tmp_path, "drained", (900, 900), 4)
    detector = applied(stack, tmp_path, "drained", burn=2)
    with worker(stack, tmp_path, "second"):
        until(lambda: {FIRST, "second"} <= names(api))
        runs = [start(api, item, detector) for item in items[:2]]
        had = until(lambda: len(now := busy(api)) == 2 and now)
        assert set(had) == {FIRST, "second"}, "the free one first"
        assert stack.vedette("worker", "drain", FIRST).returncode == 0
        try:
            listed = stack.vedette("worker", "list").stdout
            assert [line.split()[-1] for line in listed.splitlines() if line.startswith(FIRST)] == ["yes"]
            runs += [start(api, item, detector) for item in items[2:]]
            seen: set[str] = set()

            def over() -> bool:
                seen.update(run for name, run in busy(api).items() if name == FIRST)
                return all(run_of(api, run)["state"] == "succeeded" for run in runs)

            until(over, 150)
            assert seen <= {had[FIRST]}, "it took nothing new"
        finally:
            assert stack.vedette("worker", "resume", FIRST).returncode == 0
    ended(api, runs)


def test_the_dataset_of_higher_priority_goes_first(stack: Stack, api: httpx.Client, tmp_path: Path) -> None:
    usual = scenes(stack, api, tmp_path, "usual", (600, 600), 3)
    urgent = scenes(stack, api, tmp_path, "urgent", (900, 900), 2)
    detector = applied(stack, tmp_path, "priorities", burn=1)
    assert stack.vedette("dataset", "change", "urgent", "--priority", "5").returncode == 0
    assert api.post(f"/api/workers/{FIRST}/drain").status_code == 200
    try:
        asked = [start(api, item, detector) for item in [*usual, *urgent]]
        waiting = [run_of(api, run)["waiting"] for run in asked]
        assert {one["waits_for"] for one in waiting} == {"every worker that can do it is drained"}
        assert "every worker that can do it is drained" in stack.vedette("run", "list", "--dataset", "usual").stdout
    finally:
        assert api.post(f"/api/workers/{FIRST}/resume").status_code == 200
    began = [datetime.fromisoformat(run["started_at"]) for run in ended(api, asked)]
    assert max(began[3:]) < min(began[:3]), began


def test_a_killed_worker_loses_its_runs_to_another(stack: Stack, api: httpx.Client, tmp_path: Path) -> None:
    [item] = scenes(stack, api, tmp_path, "killed-lane", (1200, 2400), 1)
    detector = applied(stack, tmp_path, "killed-lane", burn=2)
    with worker(stack, tmp_path, "doomed") as doomed:
        until(lambda: "doomed" in names(api))
        assert api.post(f"/api/workers/{FIRST}/drain").status_code == 200
        try:
            run = start(api, item, detector)
            until(lambda: busy(api).get("doomed") == run and run_of(api, run)["progress"]["bands_done"] >= 1)
        finally:
            assert api.post(f"/api/workers/{FIRST}/resume").status_code == 200
        doomed.kill()
        killed = time.monotonic()
        until(lambda: busy(api).get(FIRST) == run)
        assert time.monotonic() - killed < 40
        [found] = ended(api, [run])
    assert found["attempt"] == 1
    assert found["summary"]["resumed_at_band"] >= 1


def test_a_run_is_cancelled_within_a_second(stack: Stack, api: httpx.Client, tmp_path: Path) -> None:
    """Both from the request to the state in the API; of the running one also until its worker has let go of it."""
    items = scenes(stack, api, tmp_path, "cancel", (1200, 4800), 2)
    detector = applied(stack, tmp_path, "cancel", burn=2)
    running, queued = [start(api, item, detector) for item in items]
    until(lambda: run_of(api, running)["progress"]["fraction"] > 0)
    assert run_of(api, queued)["state"] == "queued"
    for run in (queued, running):
        asked = time.monotonic()
        assert api.post(f"/api/runs/{run}/cancel").json()["state"] == "cancelled"
        assert run_of(api, run)["state"] == "cancelled"
        assert time.monotonic() - asked < 1.0, run
    until(lambda: FIRST not in busy(api), 5, 0.02)
    assert time.monotonic() - asked < 2.0, "the worker has stopped, and has said so"
