"""What is said of runs that wait: their place in line, when they begin and end, or what is missing."""

from __future__ import annotations

import pytest
from hypothesis import given

from appliance.api.placement.ability import missing
from appliance.api.placement.assign import assign
from appliance.api.placement.order import in_order
from appliance.api.placement.outlook import outlook
from appliance.api.placement.queue import HeldRun, Speeds, WaitingRun, Worker
from tests.api.placement import made

TEN = Speeds({"crowns": 10.0})


def test_runs_follow_each_other_on_one_worker() -> None:
    runs = [made.run(100, after=number) for number in range(3)]
    at_it = made.worker((made.held(200, told_seconds_left=5, heard_seconds=1),))
    told = [outlook(runs, [at_it], TEN)[run.task.run_id] for run in runs]
    assert [one.position for one in told] == [1, 2, 3]
    assert [one.starts_in_seconds for one in told] == pytest.approx([4, 14, 24])
    assert [one.ends_in_seconds for one in told] == pytest.approx([14, 24, 34])


def test_two_workers_share_the_line() -> None:
    runs = [made.run(100, after=number) for number in range(4)]
    told = outlook(runs, [made.worker(), made.worker()], TEN)
    assert [told[run.task.run_id].starts_in_seconds for run in runs] == pytest.approx([0, 0, 10, 10])
    told = outlook(runs, [made.worker(), made.worker(drained=True)], TEN)
    assert [told[run.task.run_id].starts_in_seconds for run in runs] == pytest.approx([0, 10, 20, 30])


def test_what_nobody_knows_is_not_guessed() -> None:
    unknown, known = made.run(10, detector="boats"), made.run(1000, after=60)
    told = outlook([unknown, known], [made.worker()], TEN)
    first, second = told[unknown.task.run_id], told[known.task.run_id]
    assert (first.position, first.starts_in_seconds, first.ends_in_seconds) == (1, 0, None)
    assert (second.position, second.starts_in_seconds, second.ends_in_seconds) == (2, None, None)


def test_a_placed_run_comes_before_those_that_wait() -> None:
    placed = made.held(50, started=False)
    run = made.run(1)
    told = outlook([run], [made.worker((placed,))], TEN)
    assert (told[placed.task.run_id].position, told[run.task.run_id].position) == (1, 2)
    assert told[run.task.run_id].starts_in_seconds == pytest.approx(5)


def test_what_is_missing_is_said_plainly() -> None:
    run = made.run(memory_bytes=2_950_000_000, gpu=True)

    def said(*workers: Worker) -> str:
        told = outlook([run], workers, TEN)[run.task.run_id]
        assert (told.position is None) == bool(told.waits_for)
        return told.waits_for

    assert said() == "no detector worker is running"
    assert said(made.worker(serves=[{"name": "boats"}])) == "no worker of crowns is running"
    assert said(made.worker(serves=[{"name": "crowns", "version": "2.0.0"}])) == "no worker of crowns is running"
    assert said(made.worker()) == "waits for a worker with a GPU"
    card = {"gpus": ["H200"]}
    assert said(made.worker(**card, available_bytes=1 << 30)) == "waits for a worker with 3 GB of memory"
    assert said(made.worker(**card, drained=True)) == "every worker that can do it is drained"
    assert said(made.worker(**card, drained=True), made.worker(**card)) == ""


@given(made.waiting_runs, made.workers(), made.speeds)
def test_everyone_has_a_place_or_a_reason(waiting: list[WaitingRun], workers: list[Worker], speeds: Speeds) -> None:
    told = outlook(waiting, workers, speeds)
    places = [told[run.task.run_id].position for run in in_order(waiting, speeds)]
    numbered = [place for place in places if place is not None]
    assert numbered == sorted(numbered)
    for run in waiting:
        one = told[run.task.run_id]
        assert (one.position is None) == bool(missing(run.task, workers))
        if one.starts_in_seconds is not None and one.ends_in_seconds is not None:
            assert one.ends_in_seconds >= one.starts_in_seconds


def test_the_estimate_is_what_then_happens() -> None:
    """Play the machine for real, with workers that keep to the observed speed: every start comes as it was told."""
    workers = [made.worker(), made.worker()]
    waiting = [made.run(10 * (1 + number * 7 % 5), after=number) for number in range(12)]
    told = outlook(waiting, workers, TEN)
    busy: dict[object, tuple[HeldRun, float]] = {}
    started: dict[object, float] = {}
    now = 0.0
    while waiting:
        free = [worker for worker in workers if worker.id not in busy]
        for placed in assign(waiting, free, TEN):
            [run] = [run for run in waiting if run.task.run_id == placed.run_id]
            waiting.remove(run)
            started[placed.run_id] = now
            busy[placed.worker_id] = (HeldRun(run.task, placed.worker_id, True), now + run.task.megapixels / 10)
        now = min(end for _, end in busy.values())
        busy = {worker: (run, end) for worker, (run, end) in busy.items() if end > now}
    for run_id, at in started.items():
        assert told[run_id].starts_in_seconds == pytest.approx(at)
