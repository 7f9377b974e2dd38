"""metav1.Conditions: written so that a status that has not changed keeps its time. Pure; used for both resources."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from appliance.contracts.resources.conditions import Condition

Status = Literal["True", "False", "Unknown"]


@dataclass(frozen=True)
class Said:
    """A condition without its time."""

    type: str
    status: Status
    reason: str
    message: str


def true_if(kind: str, so: bool, reason: str, message: str) -> Said:
    return Said(kind, "True" if so else "False", reason, message)


def conditions(said: Iterable[Said], before: list[Condition], generation: int, now: datetime) -> list[Condition]:
    """In the order said. The time moves only when the status of a condition does."""
    known = {condition.type: condition for condition in before}
    return [_condition(each, known.get(each.type), generation, now) for each in said]


def _condition(said: Said, before: Condition | None, generation: int, now: datetime) -> Condition:
    same = before is not None and before.status == said.status
    return Condition(
        type=said.type,
        status=said.status,
        observed_generation=generation,
        last_transition_time=before.last_transition_time if same and before else now,
        reason=said.reason,
        message=said.message[:4096],
    )
