"""The status of a resource that no rule of today would let in. Pure; called by controller.py."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

_CONDITIONS = {"Detector": ("Degraded", "True"), "TrainingJob": ("DatasetReady", "False")}


def status(document: Mapping[str, Any], message: str, now: datetime) -> dict[str, Any] | None:
    """The status as it is, with one condition that says what is wrong; None where it says so already."""
    kind, so = _CONDITIONS[document["kind"]]
    before = dict(document.get("status") or {})
    conditions = {each["type"]: each for each in before.get("conditions") or []}
    known = conditions.get(kind, {})
    said = {
        "type": kind,
        "status": so,
        "reason": "InvalidSpec",
        "message": message[:4096],
        "observedGeneration": document["metadata"].get("generation", 0),
        "lastTransitionTime": known.get("lastTransitionTime") if known.get("status") == so else now.isoformat(),
    }
    if known == said:
        return None
    return {**before, "conditions": list({**conditions, kind: said}.values())}
