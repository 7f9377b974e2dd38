"""Who serves a model, and what is done about its engine meanwhile. Pure: from what is seen to one step. Used by served.py."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

_MOST_LOADS = 2


class Step(StrEnum):
    LOAD = "load"
    BUILD = "build"
    REBUILD = "rebuild"
    STAY = "stay"


@dataclass(frozen=True)
class Seen:
    """`cannot_run`: why no engine could run on this machine, if so. `stored`: a plan under this key is in the cache.
    `loads_failed`: how often one did not load, `load_problem` what was said; `build_problem`: why a build failed."""

    cannot_run: str = ""
    stored: bool = False
    loads_failed: int = 0
    load_problem: str = ""
    build_problem: str = ""


@dataclass(frozen=True)
class Decision:
    """ONNX Runtime serves until a LOAD succeeds. `why` is for people: one sentence."""

    step: Step
    why: str


def decide(seen: Seen) -> Decision:
    """A plan that does not load is built again once: the second failure is no accident of a file."""
    if seen.cannot_run:
        return Decision(Step.STAY, f"ONNX Runtime serves, because {seen.cannot_run}.")
    if seen.build_problem:
        return Decision(Step.STAY, f"ONNX Runtime serves, because no engine could be built: {seen.build_problem}")
    if seen.loads_failed >= _MOST_LOADS:
        return Decision(Step.STAY, f"ONNX Runtime serves, because no engine loads: {seen.load_problem}")
    if not seen.stored:
        return Decision(Step.BUILD, "ONNX Runtime serves while the engine is built.")
    if seen.loads_failed:
        return Decision(Step.REBUILD, "ONNX Runtime serves while the engine, which did not load, is built again.")
    return Decision(Step.LOAD, "ONNX Runtime serves while the engine is loaded.")
