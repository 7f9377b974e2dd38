"""What a training run tells while it goes on, and what it asks: the seam between the loop and whoever started it.

Given by `vedette train` (a terminal) and by the trainer of a cluster; knows neither.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Epoch:
    """What is told about an epoch. `f1` and `ap50` on the validation snapshot, where it was looked at; `figures` those
    of evaluation.report, at the running point that would be chosen now."""

    epoch: int
    epochs: int
    loss: float
    seconds: float
    seconds_left: float
    f1: float | None = None
    ap50: float | None = None
    figures: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Moment:
    """After each step: how many are done, the share of the whole (0 to 1), and the seconds that are left."""

    step: int
    epoch: int
    done: float
    seconds_left: float


def _never() -> bool:
    return False


@dataclass(frozen=True)
class Watch:
    """`stop`: end after this step, with a checkpoint. `due`: write a checkpoint now, in the middle of an epoch too.
    `saved` is told of every checkpoint file once it is whole: the step it is of, and whether it is the last one of this
    process, because training has ended or anybody of those who train together was told to stop."""

    tell: Callable[[Epoch], None] = lambda _: None
    stop: Callable[[], bool] = _never
    moved: Callable[[Moment], None] = lambda _: None
    due: Callable[[], bool] = _never
    saved: Callable[[Path, int, bool], None] = lambda *_: None
