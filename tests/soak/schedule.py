"""What is done to the appliance, when: decided by a seed alone. Pure."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

SERVERS = ("postgres", "nats", "store")
PARTS = ("api", "media-1", "detector-1", *SERVERS)


class Kind(StrEnum):
    KILL = "kill -9"
    PAUSE = "pause"
    HANG = "hang"
    FILL = "fill the disk"
    CUT = "cut the line to"
    STALL = "stall the line to"
    FORGET = "lose the data of"


@dataclass(frozen=True)
class Disturbance:
    """`seconds`: how long it lasts before it is taken back; what is killed stays so."""

    kind: Kind
    part: str = ""
    seconds: float = 0.0

    def __str__(self) -> str:
        lasting = f" for {self.seconds:g} s" if self.seconds else ""
        return f"{self.kind} {self.part}".rstrip() + lasting


_KILLS = tuple(Disturbance(Kind.KILL, part) for part in PARTS)
_SHORT = (
    *_KILLS,
    Disturbance(Kind.PAUSE, "detector-1", 3),
    Disturbance(Kind.FILL, "", 3),
    Disturbance(Kind.CUT, "nats", 1),
    Disturbance(Kind.CUT, "postgres", 1),
    Disturbance(Kind.STALL, "store", 2),
)
_FULL = (
    *_KILLS,
    *(Disturbance(Kind.PAUSE, part, 5) for part in PARTS),
    # Longer than the acknowledgement wait (30 s), and than what the supervisor lets pass (30 s and one question).
    *(Disturbance(Kind.HANG, part, 50) for part in ("detector-1", "media-1", "nats", "postgres")),
    Disturbance(Kind.FILL, "", 12),
    *(Disturbance(Kind.CUT, part, 3) for part in SERVERS),
    *(Disturbance(Kind.STALL, part, 8) for part in SERVERS),
    Disturbance(Kind.FORGET, "nats"),
)


def disturbances(seed: int, rounds: int, short: bool) -> list[Disturbance]:
    """Every disturbance once in each round, in an order of its own."""
    order = random.Random(seed)
    found: list[Disturbance] = []
    for _ in range(rounds):
        found += order.sample(_SHORT if short else _FULL, len(_SHORT if short else _FULL))
    return found


def shares(scenes: Sequence[str], count: int) -> list[list[str]]:
    """The scenes in order, in `count` shares as equal as can be: one is pushed with each disturbance."""
    return [list(scenes[len(scenes) * i // count : len(scenes) * (i + 1) // count]) for i in range(count)]
