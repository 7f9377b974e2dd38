"""Whatever happens, in whatever order: it comes to rest, never flips, gates before traffic, the last Ready version stays."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st
from vedette_operator.reconcile.detector import reconcile
from vedette_operator.reconcile.observed import Problem

from tests.operator_reconcile.world import HERE, World, detector, package

Happening = Callable[[World], None]


def _version(number: int) -> Happening:
    return lambda world: world.change(**{path.replace("/", "__"): value for path, value in package(number).items()})


def _retry(world: World) -> None:
    world.change(spec__rollout__retry=world.detector.spec.rollout.retry + 1)


HAPPENINGS: dict[str, Happening] = {
    "an hour passes": lambda world: world.pass_time(3600),
    "a minute passes": lambda world: world.pass_time(60),
    "a second passes": lambda world: world.pass_time(1),
    "version 1 is asked for": _version(1),
    "version 2 is asked for": _version(2),
    "version 3 is asked for": _version(3),
    "retry": _retry,
    "suspend": lambda world: world.change(spec__suspend=True),
    "resume": lambda world: world.change(spec__suspend=False),
    "recreate": lambda world: world.change(spec__rollout={**_ROLLOUT, "retry": world.detector.spec.rollout.retry}),
    "another precision": lambda world: world.change(spec__runtime__precision="fp32"),
    "the engine is built": lambda world: world.engine_ends(well=True),
    "the engine fails": lambda world: world.engine_ends(well=False),
    "the gates pass": lambda world: world.gates_end(0.9),
    "a gate fails": lambda world: world.gates_end(0.2),
    "the gates cannot be measured": lambda world: world.gates_end(None),
    "pods are ready": lambda world: world.pods(ready=True),
    "pods fall": lambda world: world.pods(ready=False),
    "pods crash": lambda world: world.pods(ready=False, waiting="CrashLoopBackOff", exit_code=1),
    "no room": lambda world: world.pods(ready=False, unschedulable="0/3 nodes: 3 Insufficient nvidia.com/gpu."),
    "much waits": lambda world: world.waits(1900),
    "little waits": lambda world: world.waits(10, busy=1),
    "nothing waits": lambda world: world.waits(0),
    "something is missing": lambda world: world.lacks(Problem("ConfigMapMissing", "It is not there.")),
    "nothing is missing": lambda world: world.lacks(),
}
_ROLLOUT = detector().spec.rollout.model_dump(mode="json", by_alias=True, exclude_none=True) | {"strategy": "Recreate"}
_ROLLOUT.pop("canaryPercent")

# Mostly what leads somewhere, so that many a history gets past its gates.
_LUCKY = ["the engine is built", "the gates pass", "pods are ready", "a minute passes"]
HISTORIES = st.lists(st.one_of(st.sampled_from(_LUCKY), st.sampled_from(sorted(HAPPENINGS))), max_size=40)


@settings(max_examples=150, deadline=None)
@given(HISTORIES)
def test_it_comes_to_rest_and_keeps_its_promises(history: list[str]) -> None:
    world = World(detector())
    passed: set[str] = set()
    for name in history:
        before = world.status.current_digest
        HAPPENINGS[name](world)
        plan = reconcile(world.detector, world.observed, HERE, world.now)
        assert plan == reconcile(world.detector, world.observed, HERE, world.now)
        _settled(world, passed)
        after = world.status.current_digest
        assert before is None or after is not None, "a version that serves is never lost"
        assert after is None or world.deployed(after), "the last Ready version is kept"
        assert after in (before, world.detector.spec.model.digest)


def _settled(world: World, passed: set[str]) -> None:
    """Reconcile until nothing is to be done, and look at each step on the way."""
    seen = []
    for _ in range(6):
        gates = {key: value for found in world.observed.measures.values() for key, value in found.items()}
        passed |= {digest for (digest, _, _), value in gates.items() if value >= 0.85}
        plan = world.once()
        canary = world.status.canary
        if canary is not None and canary.percent > 0:
            assert canary.digest in passed, "no traffic before the gates have passed"
        assert world.status.current_digest in passed | {None}
        if plan.empty:
            return
        assert world.status not in seen, "it flips between two states"
        seen.append(world.status)
    raise AssertionError("it never came to rest")


@given(HISTORIES)
@settings(max_examples=50, deadline=None)
def test_time_alone_changes_nothing_before_it_said_so(history: list[str]) -> None:
    """Nothing is polled: until the moment of `wake`, an object at rest needs no look."""
    world = World(detector())
    for name in history:
        HAPPENINGS[name](world)
        world.settle()
    world.settle()
    wake = world.plans[-1].wake
    seconds = (wake - world.now).total_seconds() if wake else 10_000_000.0
    world.pass_time(seconds * 0.999)
    assert world.once().empty
