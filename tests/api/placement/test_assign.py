"""Which runs go to which workers: what must always hold, and the cases people care about."""

from __future__ import annotations

from collections import Counter, defaultdict

from hypothesis import given

from appliance.api.placement.ability import can
from appliance.api.placement.assign import assign
from appliance.api.placement.queue import Speeds, WaitingRun, Worker
from tests.api.placement import made

UNKNOWN = Speeds()


@given(made.waiting_runs, made.workers(), made.speeds)
def test_no_run_is_placed_twice_and_no_worker_gets_what_it_cannot_do(
    waiting: list[WaitingRun], workers: list[Worker], speeds: Speeds
) -> None:
    tasks = {run.task.run_id: run.task for run in waiting}
    known = {worker.id: worker for worker in workers}
    placed = assign(waiting, workers, speeds)
    assert max(Counter(one.run_id for one in placed).values(), default=1) == 1
    taken = Counter(one.worker_id for one in placed)
    promised: dict[str, int] = defaultdict(int)
    for one in placed:
        worker, task = known[one.worker_id], tasks[one.run_id]
        assert can(worker, task)
        assert not worker.drained
        promised[worker.announced.host] += task.memory_bytes
        if worker.announced.available_bytes is not None:
            assert promised[worker.announced.host] <= worker.announced.available_bytes, "they share its memory"
    for worker_id, number in taken.items():
        worker = known[worker_id]
        assert number + len(worker.held) <= worker.announced.at_once + 1, "at most one ahead"


@given(made.waiting_runs, made.workers(), made.speeds)
def test_no_worker_idles_while_somebody_waits_for_it(
    waiting: list[WaitingRun], workers: list[Worker], speeds: Speeds
) -> None:
    placed = assign(waiting, workers, speeds)
    rest = [run for run in waiting if run.task.run_id not in {one.run_id for one in placed}]
    used = {one.worker_id for one in placed}
    hosts = {worker.announced.host for worker in workers if worker.id in used or worker.held}
    for worker in workers:
        if worker.drained or worker.held or worker.id in used or worker.announced.host in hosts:
            continue
        assert not [run for run in rest if can(worker, run.task)]


@given(made.waiting_runs, made.workers(), made.speeds)
def test_it_is_decided_by_what_is_known_and_not_by_the_order_of_rows(
    waiting: list[WaitingRun], workers: list[Worker], speeds: Speeds
) -> None:
    assert assign(waiting, workers, speeds) == assign(waiting[::-1], workers[::-1], speeds)


def test_the_free_one_first() -> None:
    busy = made.worker((made.held(),), at_once=2)
    free = made.worker(at_once=2)
    run = made.run()
    for workers in ([busy, free], [free, busy]):
        [placed] = assign([run], workers, UNKNOWN)
        assert placed.worker_id == free.id


def test_the_one_with_the_model_loaded_then_the_smallest_that_is_enough() -> None:
    warm, cold = made.worker(detectors=["crowns"]), made.worker()
    assert assign([made.run()], [cold, warm], UNKNOWN)[0].worker_id == warm.id
    large, small = made.worker(available_bytes=64 * made.GIBIBYTE), made.worker(available_bytes=2 * made.GIBIBYTE)
    run = made.run(memory_bytes=made.GIBIBYTE)
    assert assign([run], [large, small], UNKNOWN)[0].worker_id == small.id
    with_gpu = made.worker(gpus=["H200"], available_bytes=made.GIBIBYTE)
    assert assign([run], [with_gpu, large], UNKNOWN)[0].worker_id == large.id, "the card stays for who asks for one"


def test_a_busy_worker_gets_the_next_run_only_when_it_is_as_good_as_done() -> None:
    fast = Speeds({"crowns": 10.0})
    for held, placed in (
        (made.held(100, told_seconds_left=0.5), 1),
        (made.held(100, told_seconds_left=30), 0),
        (made.held(100, fraction=0.99), 1),
        (made.held(100, fraction=0.5), 0),
        (made.held(5, started=False), 1),
        (made.held(500, started=False), 0),
    ):
        assert len(assign([made.run(), made.run()], [made.worker((held,))], fast)) == placed, held
    assert assign([made.run()], [made.worker((made.held(5, started=False),))], UNKNOWN) == [], "nothing is known"


def test_a_run_that_rests_before_its_next_try_leaves_its_worker_free() -> None:
    resting = made.held(heard_seconds=10)
    assert len(assign([made.run()], [made.worker((resting,))], UNKNOWN)) == 1
    at_it = made.worker((resting,), runs=[resting.task.run_id])
    assert assign([made.run()], [at_it], UNKNOWN) == []


def test_memory_of_one_machine_is_promised_once() -> None:
    both = [made.worker(available_bytes=4 * made.GIBIBYTE) for _ in range(2)]
    large = [made.run(memory_bytes=3 * made.GIBIBYTE) for _ in range(2)]
    assert len(assign(large, both, UNKNOWN)) == 1
    elsewhere = made.worker(available_bytes=4 * made.GIBIBYTE, host="there")
    assert len(assign(large, [both[0], elsewhere], UNKNOWN)) == 2
    just_placed = made.worker((made.held(started=False),), available_bytes=None)
    assert len(assign(large, [just_placed, both[1]], UNKNOWN)) == 1


def test_a_worker_that_handed_a_run_back_is_not_asked_again_at_once() -> None:
    refused, other = made.worker(), made.worker()
    run = WaitingRun(made.run().task, 0, made.START, refused_by=refused.id)
    assert assign([run], [refused], UNKNOWN) == []
    assert assign([run], [refused, other], UNKNOWN)[0].worker_id == other.id
