"""Whatever happens, in whatever order: it comes to rest, never flips, gates before traffic, the last Ready version stays."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import example, given, settings
from hypothesis import strategies as st
from vedette_operator.reconcile.detector import reconcile
from vedette_operator.reconcile.observed import Problem

from tests.operator_reconcile.world import HERE, World, detector, gate_job_name, package

Happening = Callable[[World], None]


def _version(number: int) -> Happening:
    return lambda world: world.change(**{path.replace("/", "__"): value for path, value in package(number).items()})


def _retry(world: World) -> None:
    world.change(spec__rollout__retry=world.detector.spec.rollout.retry + 1)


def _all_goes_well(world: World) -> None:
    """The version asked for gets as far as it may without time passing."""
    for step in (lambda: world.engine_ends(well=True), lambda: world.gates_end(0.9), lambda: world.pods(ready=True)):
        world.settle()
        step()


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
    "stricter gates": lambda world: world.change(spec__rollout__gates__0__minimum=0.88),
    "looser gates": lambda world: world.change(spec__rollout__gates__0__minimum=0.1),
    "all goes well": _all_goes_well,
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
_LUCKY = [
    "all goes well",
    "version 1 is asked for",
    "version 2 is asked for",
    "the engine is built",
    "the gates pass",
    "pods are ready",
    "a minute passes",
]
_CANARY = ["all goes well", "nothing is missing", "version 2 is asked for", "all goes well", "nothing is missing"]
HISTORIES = st.lists(st.one_of(st.sampled_from(_LUCKY), st.sampled_from(sorted(HAPPENINGS))), min_size=10, max_size=60)


@settings(max_examples=60, deadline=None)
@example([*_CANARY, "stricter gates", "a minute passes", "all goes well", "a minute passes"])
@example([*_CANARY, "pods fall", "a minute passes"])
@given(HISTORIES)
def test_it_comes_to_rest_and_keeps_its_promises(history: list[str]) -> None:
    world = World(detector())
    for name in history:
        before = world.status.current_digest
        HAPPENINGS[name](world)
        plan = reconcile(world.detector, world.observed, HERE, world.now)
        assert plan == reconcile(world.detector, world.observed, HERE, world.now)
        _settled(world)
        after = world.status.current_digest
        assert before is None or after is not None, "a version that serves is never lost"
        assert after is None or world.deployed(after), "the last Ready version is kept"
        assert after in (before, world.detector.spec.model.digest)


def _settled(world: World) -> None:
    """Reconcile until nothing is to be done, and look at each step on the way."""
    seen = []
    for _ in range(6):
        before, able = world.status.current_digest, _may_serve(world)
        plan = world.once()
        canary = world.status.canary
        if world.status.current_digest != before or (canary is not None and canary.percent > 0):
            assert able, "no traffic before the gates have passed and a pod is ready"
        if plan.empty:
            return
        assert world.status not in seen, "it flips between two states"
        seen.append(world.status)
    raise AssertionError("it never came to rest")


def _may_serve(world: World) -> bool:
    """Whether what was measured meets each gate's minimum as it is now, and a pod is ready: worked out apart from the code."""
    digest = world.detector.spec.model.digest
    found = world.observed.measures.get(gate_job_name(world.detector), {})
    gates = world.detector.spec.rollout.gates
    met = all(found.get((digest, gate.snapshot, gate.metric), -1) >= (gate.minimum or 0) for gate in gates)
    return met and any(pod.ready and pod.digest == digest for pod in world.observed.pods)


@example(_CANARY)
@given(HISTORIES)
@settings(max_examples=20, deadline=None)
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
