"""Runs and workers for the tests of placement, and what hypothesis makes of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from hypothesis import strategies as st

from appliance.api.placement.queue import HeldRun, Speeds, Task, WaitingRun, Worker
from tests.api import samples

START = datetime(2026, 11, 22, tzinfo=UTC)
DETECTORS = ("crowns", "boats", "roofs")
GIBIBYTE = 1 << 30


def run(megapixels: float = 10, priority: int = 0, after: float = 0, **task: Any) -> WaitingRun:
    """Asked for `after` seconds."""
    asked = {"run_id": uuid4(), "detector": "crowns", "version": "1.0.0", "megapixels": megapixels, **task}
    return WaitingRun(Task(**asked), priority, START + timedelta(seconds=after))


def worker(held: tuple[HeldRun, ...] = (), drained: bool = False, **said: Any) -> Worker:
    return Worker(samples.worker(**{"id": uuid4(), **said}), drained, held)


def held(megapixels: float = 10, started: bool = True, **said: Any) -> HeldRun:
    return HeldRun(run(megapixels).task, UUID(int=0), started, **said)


tasks = st.builds(
    Task,
    run_id=st.uuids(),
    detector=st.sampled_from(DETECTORS),
    version=st.sampled_from(("1.0.0", "2.0.0")),
    megapixels=st.floats(0.01, 50_000),
    memory_bytes=st.integers(0, 16 * GIBIBYTE),
    gpu=st.booleans(),
)
waiting_runs = st.lists(
    st.builds(
        WaitingRun,
        task=tasks,
        priority=st.integers(-10, 10),
        queued_at=st.integers(0, 100_000).map(lambda seconds: START + timedelta(seconds=seconds)),
    ),
    max_size=30,
    unique_by=lambda each: each.task.run_id,
)
speeds = st.dictionaries(st.sampled_from(DETECTORS), st.floats(0.1, 1000)).map(Speeds)


@st.composite
def workers(draw: st.DrawFn) -> list[Worker]:
    found = []
    for number in range(draw(st.integers(0, 5))):
        at_once = draw(st.integers(1, 3))
        has = draw(
            st.lists(st.builds(HeldRun, task=tasks, worker_id=st.uuids(), started=st.booleans()), max_size=at_once)
        )
        served = st.fixed_dictionaries(
            {"name": st.sampled_from(DETECTORS), "version": st.sampled_from((None, "1.0.0"))}
        )
        found.append(
            worker(
                tuple(has),
                draw(st.booleans()),
                name=f"detector-{number}",
                host=draw(st.sampled_from(("left", "right"))),
                at_once=at_once,
                gpus=draw(st.sampled_from(([], ["H200"]))),
                serves=draw(st.lists(served, max_size=2)),
                available_bytes=draw(st.one_of(st.none(), st.integers(0, 16 * GIBIBYTE))),
            )
        )
    return found
