"""Answers and bodies of routes/resources.py. The resources themselves are contracts/resources."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from appliance.contracts.base import Contract
from appliance.contracts.resources.objects import DetectorResource, TrainingJobResource


class ChangeResource(Contract):
    """Fields of the spec, as a JSON merge patch: what is left out stays, null takes away."""

    spec: dict[str, Any] = Field(min_length=1, max_length=100)


class DetectorResourcePage(Contract):
    items: list[DetectorResource]
    next: str | None = None


class TrainingJobResourcePage(Contract):
    items: list[TrainingJobResource]
    next: str | None = None
