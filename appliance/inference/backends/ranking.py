"""The fastest backend that finds what the reference finds, and the sentence that says so. Pure; called by choice.py."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field

from appliance.contracts.base import Contract
from appliance.inference.backends.catalogue import REFERENCE

_WORTH = 0.97
"""Another backend than the reference is taken when it needs at most this share of its time: less is noise, and changing what
computes is never for nothing. Well inside the 5 % that the choice may cost."""


class Measured(Contract):
    """`seconds` for one tile; None where it is not to be taken, and then `refusal` says why, without a full stop."""

    name: str = Field(max_length=100)
    seconds: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    refusal: str = Field(default="", max_length=2000)


def fastest(measured: Sequence[Measured]) -> str | None:
    """The name of the one to take; None where none can be."""
    able = [each for each in measured if each.seconds is not None]
    reference = next((each for each in able if each.name == REFERENCE), None)
    best = min(able, key=lambda each: each.seconds or 0.0, default=None)
    if best is None or best.seconds is None:
        return None
    if reference is not None and reference.seconds is not None and best.seconds > _WORTH * reference.seconds:
        return reference.name
    return best.name


def sentence(chosen: str, measured: Sequence[Measured]) -> str:
    """What was chosen and why."""
    mine = next(each for each in measured if each.name == chosen)
    others = [_beside(each) for each in measured if each.name != chosen]
    own = f"auto chose {chosen}: {_rate(mine)}" if mine.seconds is not None else f"auto chose {chosen}"
    return "; ".join([own, *others]) + "."


def _beside(other: Measured) -> str:
    return f"{other.name} {_rate(other)}" if other.seconds is not None else f"not {other.name}: {other.refusal}"


def _rate(each: Measured) -> str:
    return f"{1 / each.seconds:.3g} tiles a second" if each.seconds is not None else ""
