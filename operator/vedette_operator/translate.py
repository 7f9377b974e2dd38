"""A raw object of the API server -> a frozen value. Pure; called by handlers and kube.py."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from appliance.contracts.resources.base import GROUP
from appliance.contracts.resources.conditions import FailureInfo
from vedette_operator import seen
from vedette_operator.build.manifest import APPLIED, OWNER_LABEL
from vedette_operator.reconcile import observed

Raw = Mapping[str, Any]
_JOB = "batch.kubernetes.io/job-name"
_CUSTOM = ("Detector", "TrainingJob")


def translated(raw: Raw) -> seen.Seen:
    """`raw` names its kind. Raises KeyError for a kind that the operator does not look at."""
    kind = raw["kind"]
    head = _head(kind, raw)
    if kind in _CUSTOM:
        return seen.Custom(**head, document={**raw, "metadata": _without_owners_of_fields(raw["metadata"])})
    return _KINDS[kind](head, raw)


def _without_owners_of_fields(about: Raw) -> Raw:
    """They are the larger half of an object in memory, and nobody here asks who set a field."""
    return {name: value for name, value in about.items() if name != "managedFields"}


def _head(kind: str, raw: Raw) -> dict[str, Any]:
    about = raw["metadata"]
    labels = about.get("labels") or {}
    return {
        "kind": kind,
        "name": about["name"],
        "uid": about.get("uid", ""),
        "version": int(about.get("resourceVersion") or 0),
        "owner": _owner(about),
        "belongs": _belongs(labels),
        "applied": (about.get("annotations") or {}).get(APPLIED, ""),
        "part": labels.get(f"{GROUP}/part", ""),
        "going": "deletionTimestamp" in about,
    }


def _owner(about: Raw) -> seen.Owner | None:
    for each in about.get("ownerReferences") or []:
        if each.get("controller"):
            return seen.Owner(each["kind"], each["name"], each["uid"])
    return None


def _belongs(labels: Mapping[str, str]) -> seen.Key | None:
    for kind in _CUSTOM:
        name = labels.get(f"{GROUP}/{kind.lower()}")
        if name:
            return kind, name
    return None


def _deployment(head: dict[str, Any], raw: Raw) -> seen.Deployment:
    return seen.Deployment(**head, serving=_mounted(raw["spec"]["template"]["spec"]))


def _mounted(pod: Raw) -> str:
    found = (each.get("configMap", {}).get("name") for each in pod.get("volumes") or [] if each["name"] == "serving")
    return next(found, None) or ""


def _config_map(head: dict[str, Any], raw: Raw) -> seen.ConfigMap:
    return seen.ConfigMap(**head, data=raw.get("data") or {})


def _plain(head: dict[str, Any], _: Raw) -> seen.Seen:
    return seen.Seen(**head)


def _job(head: dict[str, Any], raw: Raw) -> seen.Job:
    status = raw.get("status") or {}
    outcome, message, reason = _outcome(status)
    job = observed.Job(outcome, message, reason == "PodFailurePolicy", bool(raw["spec"].get("suspend")))
    return seen.Job(**head, job=job, failed=int(status.get("failed") or 0))


def _outcome(status: Raw) -> tuple[observed.Outcome, str, str]:
    for each in status.get("conditions") or []:
        if each.get("status") == "True" and each["type"] in ("Complete", "Failed"):
            outcome: observed.Outcome = "complete" if each["type"] == "Complete" else "failed"
            return outcome, each.get("message", ""), each.get("reason", "")
    return "active", "", ""


def _pod(head: dict[str, Any], raw: Raw) -> seen.Pod:
    status, labels = raw.get("status") or {}, raw["metadata"].get("labels") or {}
    containers = (status.get("containerStatuses") or [{}])[0]
    ended = _ended(containers)
    waiting = (containers.get("state") or {}).get("waiting") or {}
    message = waiting.get("message", "") if not ended else (ended.get("message") or "").strip()
    conditions = {each["type"]: each for each in status.get("conditions") or []}
    pod = observed.Pod(
        name=head["name"],
        digest="",
        ready=conditions.get("Ready", {}).get("status") == "True" and not head["going"],
        waiting=waiting.get("reason", ""),
        message=message[:1000],
        unschedulable=_unschedulable(conditions),
        exit_code=ended.get("exitCode"),
    )
    return seen.Pod(
        **head,
        pod=pod,
        package=labels.get(f"{GROUP}/package", ""),
        of=labels.get(OWNER_LABEL, ""),
        job=labels.get(_JOB, ""),
        serving=_mounted(raw["spec"]),
        report=message if ended else "",
        phase=status.get("phase", ""),
        failure=_failure(head["name"], ended),
    )


def _ended(container: Raw) -> Raw:
    """How its container ended, now or before it was started again."""
    found: Raw | None = (container.get("state") or {}).get("terminated")
    return found or (container.get("lastState") or {}).get("terminated") or {}


def _unschedulable(conditions: Mapping[str, Raw]) -> str:
    scheduled = conditions.get("PodScheduled", {})
    return scheduled.get("message", "") if scheduled.get("reason") == "Unschedulable" else ""


def _failure(pod: str, ended: Raw) -> FailureInfo | None:
    code = ended.get("exitCode")
    if not code:
        return None
    at = ended.get("finishedAt")
    return FailureInfo(
        location=f"pod {pod}",
        reason=ended.get("reason") or "Error",
        message=(ended.get("message") or f"It ended with exit code {code}.").strip()[:2000],
        time=datetime.fromisoformat(at) if at else datetime.fromtimestamp(0, UTC),
        exit_code=code,
    )


_KINDS: dict[str, Callable[[dict[str, Any], Raw], seen.Seen]] = {
    "Deployment": _deployment,
    "Job": _job,
    "ConfigMap": _config_map,
    "Pod": _pod,
    "Service": _plain,
}
