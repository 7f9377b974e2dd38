"""What the supervisor decides: when to start again, in which order. No process, no clock."""

from __future__ import annotations

import graphlib
from pathlib import Path

import pytest

from appliance.standalone.order import waves
from appliance.standalone.restart import Failures, RestartPolicy
from appliance.standalone.service import Service

POLICY = RestartPolicy(first_seconds=1, longest_seconds=8, healthy_seconds=30, attempts=3)


def _service(name: str, *after: str) -> Service:
    return Service(name=name, command=("true",), folder=Path("/"), ready=lambda _: True, after=after)


def test_the_pause_doubles_up_to_the_longest() -> None:
    failures, pauses = Failures(), []
    for _ in range(6):
        failures = failures.ended(5, POLICY)
        pauses.append(failures.pause_seconds(POLICY))
    assert pauses == [1, 2, 4, 8, 8, 8]


def test_the_pause_is_forgotten_after_a_healthy_stretch() -> None:
    failures = Failures()
    for _ in range(4):
        failures = failures.ended(5, POLICY)
    failures = failures.ended(30, POLICY)
    assert failures.pause_seconds(POLICY) == 1
    assert failures.total == 5


def test_a_part_that_never_was_ready_is_given_up() -> None:
    failures = Failures()
    hopeless = []
    for _ in range(3):
        failures = failures.ended(None, POLICY)
        hopeless.append(failures.hopeless(POLICY))
    assert hopeless == [False, False, True]


def test_a_part_that_was_ready_once_is_never_given_up() -> None:
    failures = Failures().ended(1, POLICY)
    for _ in range(100):
        failures = failures.ended(None, POLICY)
    assert not failures.hopeless(POLICY)
    assert failures.pause_seconds(POLICY) == 8


def test_parts_start_after_those_they_need() -> None:
    services = [_service("worker", "queue", "store"), _service("api", "queue", "store", "database")]
    services += [_service("queue"), _service("store"), _service("database")]
    found = [[service.name for service in wave] for wave in waves(services)]
    assert found == [["queue", "store", "database"], ["worker", "api"]]


def test_an_order_that_cannot_be_is_refused() -> None:
    with pytest.raises(ValueError, match="queue"):
        waves([_service("worker", "queue")])
    with pytest.raises(graphlib.CycleError):
        waves([_service("a", "b"), _service("b", "a")])
