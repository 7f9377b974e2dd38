"""What the API server says of an object, as the operator understands it."""

from __future__ import annotations

from typing import Any

import pytest
from vedette_operator import seen
from vedette_operator.reconcile import observed
from vedette_operator.translate import translated

from tests.operator_parts import raw

_READY = {"conditions": [{"type": "Ready", "status": "True"}], "phase": "Running"}
_AT = "2026-11-01T12:00:00Z"


def _pod(status: dict[str, Any], **more: Any) -> seen.Pod:
    found = translated(raw.pod(status, **more))
    assert isinstance(found, seen.Pod)
    return found


def _container(**state: Any) -> dict[str, Any]:
    return {"containerStatuses": [{"name": "one", **state}]}


def test_a_child_knows_its_owner_what_it_was_made_from_and_what_it_mounts() -> None:
    found = translated(raw.deployment())
    assert isinstance(found, seen.Deployment)
    assert found.owner == seen.Owner("Detector", "tree-crowns", "d1")
    assert found.belongs == ("Detector", "tree-crowns")
    assert (found.applied, found.serving, found.part) == ("a1", "tree-crowns-serving-1", "worker")


def test_a_pod_is_ready_by_its_condition_and_not_while_it_goes() -> None:
    assert _pod(_READY).pod.ready
    assert not _pod(_READY, deletionTimestamp=_AT).pod.ready
    assert not _pod({"phase": "Running"}).pod.ready
    assert not _pod({}).pod.ready


def test_a_pod_says_why_it_waits_and_why_no_node_has_room() -> None:
    waiting = _pod(_container(state={"waiting": {"reason": "ImagePullBackOff", "message": "not there"}})).pod
    assert (waiting.waiting, waiting.message) == ("ImagePullBackOff", "not there")
    short = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/2: Insufficient cpu."}
    assert _pod({"conditions": [short]}).pod.unschedulable == "0/2: Insufficient cpu."


def test_a_pod_that_starts_again_remembers_how_it_ended() -> None:
    ended = {"exitCode": 64, "reason": "Error", "message": " No such package.\n", "finishedAt": _AT}
    state = {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 10s"}}
    found = _pod(_container(state=state, lastState={"terminated": ended}))
    assert (found.pod.exit_code, found.pod.message) == (64, "No such package.")
    assert found.failure is not None
    assert (found.failure.location, found.failure.exit_code) == ("pod pod-1", 64)
    assert found.failure.message == "No such package."


def test_what_a_pod_reported_is_read_once_it_has_ended_well() -> None:
    found = _pod(_container(state={"terminated": {"exitCode": 0, "message": '{"a": 1}'}}), part="engine")
    assert (found.report, found.job, found.failure) == ('{"a": 1}', "job-1", None)
    assert _pod(_container(state={"running": {}}), part="engine").report == ""


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        ([], observed.Job("active")),
        ([{"type": "Complete", "status": "True"}], observed.Job("complete")),
        ([{"type": "Failed", "status": "False"}], observed.Job("active")),
        ([{"type": "Failed", "status": "True", "message": "limit"}], observed.Job("failed", "limit")),
        (
            [{"type": "Failed", "status": "True", "reason": "PodFailurePolicy", "message": "64"}],
            observed.Job("failed", "64", hopeless=True),
        ),
    ],
    ids=["active", "complete", "not failed", "failed", "hopeless"],
)
def test_a_job_has_ended_by_its_condition(conditions: list[dict[str, Any]], expected: observed.Job) -> None:
    found = translated(raw.job(*conditions))
    assert isinstance(found, seen.Job)
    assert (found.job, found.failed) == (expected, 2)


def test_a_job_that_waits_says_so() -> None:
    found = translated(raw.job(suspend=True))
    assert isinstance(found, seen.Job)
    assert found.job.suspended


def test_what_nobody_owns_belongs_to_nobody() -> None:
    found = translated(raw.config_map("area"))
    assert (found.owner, found.belongs) == (None, None)


def test_a_resource_is_kept_without_who_set_which_field() -> None:
    document = raw.detector(suspend=True)
    document["metadata"]["managedFields"] = [{"manager": "kubectl"}]
    found = translated(document)
    assert isinstance(found, seen.Custom)
    assert found.document == raw.detector(suspend=True)
