"""How the operator's benchmark reads the API server's audit log, and the reports that its pods leave."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from appliance.contracts.resources.detector_status import EngineStatus
from appliance.contracts.resources.reports import TrainingReport
from appliance.contracts.resources.validate import resource
from benchmarks import operator_audit as audit
from benchmarks import operator_kwok, operator_objects

_DIGESTS = (f"sha256:{'1' * 64}", f"sha256:{'2' * 64}")


def _event(user: str, verb: str, resource: str, name: str, came: float, at: float) -> dict[str, Any]:
    return {
        "user": {"username": user},
        "verb": verb,
        "objectRef": {"resource": resource, "name": name, "namespace": "vedette"},
        "responseStatus": {"code": 201},
        "requestReceivedTimestamp": f"2026-11-28T12:00:{came:09.6f}Z",
        "stageTimestamp": f"2026-11-28T12:00:{at:09.6f}Z",
    }


def _log(path: Path, *events: dict[str, Any], unfinished: str = "") -> Path:
    path.write_text("".join(json.dumps(event) + "\n" for event in events) + unfinished)
    return path


def test_a_child_made_before_its_parent_is_answered_counts(tmp_path: Path) -> None:
    log = _log(
        tmp_path / "audit.log",
        _event("people", "create", "detectors", "one", 1.0, 1.5),
        _event("operator", "patch", "deployments", "one-a", 1.2, 1.25),
        _event("operator", "patch", "deployments", "one-a", 9.0, 9.25),
        _event("operator", "patch", "deployments", "another", 1.1, 1.2),
    )
    requests = audit.read(log)
    assert [request.name for request in requests] == ["another", "one-a", "one", "one-a"]
    owners = {("deployments", "one-a"): "one"}
    causes = [request for request in requests if request.user == "people"]
    assert audit.delays(causes, requests, owners) == pytest.approx([0.25])
    with pytest.raises(ValueError, match="nothing followed create detectors one"):
        audit.delays(causes, requests[:1], owners)


def test_a_line_that_is_still_written_is_left_out(tmp_path: Path) -> None:
    log = _log(tmp_path / "audit.log", _event("people", "get", "pods", "one", 1, 2), unfinished='{"user": {"us')
    assert [request.kind for request in audit.read(log)] == ["get pods"]


def test_percentile_is_a_value_that_was_seen() -> None:
    assert audit.percentile([3.0, 1.0, 2.0], 50) == 2.0
    assert audit.percentile([float(value) for value in range(1, 101)], 95) == 96.0
    assert audit.percentile([7.0], 95) == 7.0


def test_reports_of_kwok_are_those_of_the_contracts() -> None:
    assert EngineStatus.model_validate(operator_kwok.BUILT).backend == "tensorrt"
    assert TrainingReport.model_validate(operator_kwok.TRAINED).verdict.goal_met
    for stage in operator_kwok.configuration().split("\n---\n"):
        assert json.loads(stage)["kind"] in ("KwokConfiguration", "Stage")


def test_objects_are_those_that_standalone_mode_would_take() -> None:
    made = [*operator_objects.detectors(list(_DIGESTS)), *operator_objects.trainings(2, _DIGESTS)]
    assert [resource(each, "made").metadata.name for each in made] == [
        "model-0000",
        "model-0001",
        "training-0000",
        "training-0001",
    ]
    assert operator_objects.size(1000) == operator_objects.Size(nodes=500, detectors=1000, trainings=200)
