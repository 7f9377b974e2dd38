"""How far a build is: it never falls, stays within 0 and 1, and ends at 1."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from appliance.inference.engines.phases import Phases


def test_a_phase_within_a_step_counts_as_part_of_that_step() -> None:
    phases = Phases()
    assert phases.start("build", None, 4) == 0.0
    assert phases.step("build", 0) == 0.25
    assert phases.start("time", "build", 2) == 0.25
    assert phases.step("time", 0) == 0.375
    assert phases.finish("time") == 0.375
    assert phases.step("build", 1) == 0.5
    assert phases.finish("build") == 1.0


_NAMES = st.sampled_from(["a", "b", "c"])
_CALLS = st.one_of(
    st.tuples(st.just("start"), _NAMES, st.none() | _NAMES, st.integers(-1, 5)),
    st.tuples(st.just("step"), _NAMES, st.integers(0, 9)),
    st.tuples(st.just("finish"), _NAMES),
)


@given(st.lists(_CALLS, max_size=40))
def test_whatever_is_reported_the_fraction_never_falls(calls: list[tuple[object, ...]]) -> None:
    phases = Phases()
    seen = [getattr(phases, str(what))(*rest) for what, *rest in calls]
    assert seen == sorted(seen)
    assert all(0 <= each <= 1 for each in seen)
