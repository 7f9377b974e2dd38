"""Who is next: priorities, short before long, and nobody for ever."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from appliance.api.placement.assign import assign
from appliance.api.placement.order import LONGEST_SLACK_SECONDS, STRETCH, in_order
from appliance.api.placement.queue import Speeds, WaitingRun
from tests.api.placement import made

SPEEDS = Speeds(dict.fromkeys(made.DETECTORS, 10.0))


@given(made.waiting_runs, made.speeds)
def test_a_higher_priority_goes_first(waiting: list[WaitingRun], speeds: Speeds) -> None:
    priorities = [run.priority for run in in_order(waiting, speeds)]
    assert priorities == sorted(priorities, reverse=True)


@given(made.waiting_runs, made.speeds)
def test_nobody_is_overtaken_by_what_is_asked_for_much_later(waiting: list[WaitingRun], speeds: Speeds) -> None:
    """The bound that keeps everybody from starving, whatever comes after."""
    line = in_order(waiting, speeds)
    for place, run in enumerate(line):
        for later in line[place + 1 :]:
            if later.priority == run.priority:
                assert run.queued_at <= later.queued_at + timedelta(seconds=LONGEST_SLACK_SECONDS)


def test_small_ones_overtake_a_large_one_and_do_not_starve_it() -> None:
    """A large scene of 100 s, and for ever small ones of 1 s, which alone keep the only worker busy."""
    large, second = made.run(1000), timedelta(seconds=1)
    waiting, now, done = [large], made.START, 0
    while large in waiting:
        waiting.append(made.run(10, after=(now - made.START).total_seconds()))
        [placed] = assign(waiting, [made.worker()], SPEEDS)
        waiting = [run for run in waiting if run.task.run_id != placed.run_id]
        now, done = now + second, done + 1
        assert now < made.START + timedelta(seconds=STRETCH * 100 + 20), "it starves"
    assert done > 500, "it gave way to small ones first"


def test_a_small_one_does_not_wait_behind_large_ones_that_were_there_before() -> None:
    crowd = [made.run(5000, after=number) for number in range(20)]
    small = made.run(1, after=30)
    assert in_order([*crowd, small], SPEEDS)[0] is small


@given(st.integers(0, 3600), st.integers(1, 3600))
def test_of_two_alike_the_older_goes_first(asked: int, later: int) -> None:
    old, new = made.run(after=asked), made.run(after=asked + later)
    assert in_order([new, old], SPEEDS) == [old, new]
