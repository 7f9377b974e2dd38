"""The status of a resource that is older than a rule."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from vedette_operator import invalid

_NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)


def _document(kind: str, status: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"kind": kind, "metadata": {"name": "old", "generation": 3}, "spec": {}, "status": status or {}}


@pytest.mark.parametrize(("kind", "condition"), [("Detector", "Degraded"), ("TrainingJob", "DatasetReady")])
def test_it_is_said_once_beside_what_was_said_before(kind: str, condition: str) -> None:
    ready = {"type": "Ready", "status": "True", "reason": "Serving", "message": "", "lastTransitionTime": "t"}
    said = invalid.status(_document(kind, {"currentVersion": "1.0.0", "conditions": [ready]}), "spec.a: no", _NOW)
    assert said is not None
    assert said["currentVersion"] == "1.0.0"
    assert said["conditions"][0] == ready
    assert (said["conditions"][1]["type"], said["conditions"][1]["reason"]) == (condition, "InvalidSpec")
    assert invalid.status(_document(kind, said), "spec.a: no", _NOW + timedelta(hours=1)) is None


def test_another_fault_keeps_the_time_of_the_first() -> None:
    first = invalid.status(_document("Detector"), "spec.a: no", _NOW)
    second = invalid.status(_document("Detector", first), "spec.b: no", _NOW + timedelta(hours=1))
    assert first is not None
    assert second is not None
    assert second["conditions"][0]["message"] == "spec.b: no"
    assert second["conditions"][0]["lastTransitionTime"] == first["conditions"][0]["lastTransitionTime"]
