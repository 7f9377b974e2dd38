"""One reconcile of a TrainingJob: snapshots before pods, deadline, backoff, suspend, and ends that stay ends. Pure.

Called by the handlers with what they saw; carried out by kube.py. Knows neither of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from appliance.contracts.resources.conditions import FailureInfo
from appliance.contracts.resources.objects import TrainingJobResource
from appliance.contracts.resources.training_status import (
    PublishedPackage,
    State,
    TrainerStatus,
    TrainingJobStatus,
    Verdict,
)
from vedette_operator.build import training as build
from vedette_operator.build.manifest import QUEUE_LABEL
from vedette_operator.build.pod import Surroundings
from vedette_operator.reconcile.conditions import Said, conditions, true_if
from vedette_operator.reconcile.observed import ChildKey, Job, Pod, Problem
from vedette_operator.reconcile.plan import Event, Handover, Plan, difference, wake_at
from vedette_operator.reconcile.pods import trouble

_LOOK_AGAIN = timedelta(seconds=30)
"""A snapshot is in the object store, which tells nobody when it comes."""
OURS = "vedette.io/operator"


@dataclass(frozen=True)
class ObservedTraining:
    """`problem`: a snapshot, package or ConfigMap that is not there; `job`: of the present retry.

    `configuration`: the text of the ConfigMap where the spec names one.
    """

    children: Mapping[ChildKey, str] = field(default_factory=dict)
    job: Job | None = None
    pods: tuple[Pod, ...] = ()
    problem: Problem | None = None
    trainer: TrainerStatus | None = None
    package: PublishedPackage | None = None
    verdict: Verdict | None = None
    failures: int = 0
    last_failure: FailureInfo | None = None
    configuration: str | None = None


@dataclass(frozen=True)
class _Verdict:
    """What the job is now, and why."""

    state: State
    reason: str
    message: str


def reconcile(job: TrainingJobResource, observed: ObservedTraining, here: Surroundings, now: datetime) -> Plan:
    """What to do now. Nothing for a job that has ended, until spec.retry is raised or its time to live is over."""
    before = status_of(job)
    if job.spec.managed_by not in (None, OURS):
        return Plan()
    if ended(before):
        return _afterwards(job, before, now)
    found = _judged(job, observed, before, now)
    status = _status(job, observed, (before, found), now)
    end = found.state in ("Failed", "Complete")
    begun = ("Job", build.job_name(job)) in observed.children
    wanted = [] if end or (observed.problem and not begun) else _wanted(job, here, observed.configuration)
    apply, delete = difference(wanted, observed.children, _kept(job, found, observed))
    event = (Event(found.reason, found.message, warning=found.state == "Failed"),) if end else ()
    wake = now + _LOOK_AGAIN if observed.problem else _deadline(job, status)
    return Plan(
        apply,
        delete,
        None if status == job.status else status,
        event,
        _dies(job, status) if end else wake_at(now, wake),
        suspend=() if end else _suspend(job, observed),
        handover=_handover(job, status) if end else None,
    )


def _afterwards(job: TrainingJobResource, status: TrainingJobStatus, now: datetime) -> Plan:
    dies = _dies(job, status)
    return Plan(finished=True) if dies is not None and dies <= now else Plan(wake=dies)


def _dies(job: TrainingJobResource, status: TrainingJobStatus) -> datetime | None:
    """When the finished resource is to be deleted."""
    kept, end = job.spec.ttl_seconds_after_finished, status.completion_time
    return None if kept is None or end is None else end + timedelta(seconds=kept)


def _handover(job: TrainingJobResource, status: TrainingJobStatus) -> Handover | None:
    """Only a package that met the goal is handed to a detector, and once: whoever takes it back afterwards is right."""
    publish, package = job.spec.publish, status.model_package
    met = status.verdict is not None and status.verdict.goal_met
    if status.state != "Complete" or publish is None or publish.detector_ref is None or package is None or not met:
        return None
    return Handover(publish.detector_ref.name, package.storage_uri, package.digest)


def _suspend(job: TrainingJobResource, observed: ObservedTraining) -> tuple[tuple[str, bool], ...]:
    """A Job that Kueue queues is let go by Kueue, and by nobody else."""
    seen, wanted = observed.job, job.spec.suspend
    queued = QUEUE_LABEL in job.metadata.labels
    if seen is None or seen.outcome != "active" or seen.suspended == wanted or (queued and not wanted):
        return ()
    return ((build.job_name(job), wanted),)


def status_of(job: TrainingJobResource) -> TrainingJobStatus:
    """Of the present retry: another begins with nothing."""
    return job.status if job.status.retry in (None, job.spec.retry) else TrainingJobStatus()


def ended(status: TrainingJobStatus) -> bool:
    """A terminal state is sticky: whatever happens to pods, Jobs and packages afterwards."""
    return status.state in ("Complete", "Failed")


def _wanted(job: TrainingJobResource, here: Surroundings, configuration: str | None) -> list[dict[str, Any]]:
    several = [build.service(job)] if job.spec.num_nodes > 1 else []
    return [*several, build.training_job(job, here, configuration)]


def _kept(job: TrainingJobResource, found: _Verdict, observed: ObservedTraining) -> set[ChildKey]:
    """An ended Job stays to be looked at; one that ran out of time is stopped."""
    if found.reason == "DeadlineExceeded":
        return set()
    return {key for key in observed.children if key[1] == build.job_name(job)}


def _judged(job: TrainingJobResource, observed: ObservedTraining, before: TrainingJobStatus, now: datetime) -> _Verdict:
    seen = observed.job
    if seen is not None and seen.outcome == "complete" and observed.package is not None:
        return _Verdict("Complete", "Trained", f"The model package is {observed.package.storage_uri}.")
    if seen is not None and seen.outcome == "failed" and seen.hopeless:
        return _Verdict("Failed", "TrainingFailed", f"{seen.message} Mend it, then raise spec.retry to run it again.")
    if seen is not None and seen.outcome == "failed":
        limit = f"Pods failed more than backoffLimit, {job.spec.backoff_limit}, allows. {seen.message}"
        return _Verdict("Failed", "BackoffLimitExceeded", f"{limit} Raise spec.retry to run it again.")
    if _active(before, now) >= job.spec.active_deadline_seconds:
        return _Verdict(
            "Failed", "DeadlineExceeded", "It ran longer than activeDeadlineSeconds. Raise both that and spec.retry."
        )
    if job.spec.suspend:
        return _Verdict(
            "Suspended", "Suspended", "spec.suspend is true: set it to false to go on at the last checkpoint."
        )
    if observed.problem is not None:
        return _Verdict("Pending", observed.problem.reason, observed.problem.message)
    if any(pod.ready for pod in observed.pods):
        return _Verdict("Running", "Training", "Its pods train.")
    found = trouble(observed.pods)
    return (
        _Verdict("Pending", found.reason, found.message)
        if found
        else _Verdict("Pending", "Starting", "Its pods start.")
    )


def _active(status: TrainingJobStatus, now: datetime) -> int:
    """Seconds that it was not suspended, in all."""
    since = status.active_since
    return (status.active_seconds or 0) + (int((now - since).total_seconds()) if since else 0)


def _deadline(job: TrainingJobResource, status: TrainingJobStatus) -> datetime | None:
    if status.active_since is None:
        return None
    left = job.spec.active_deadline_seconds - (status.active_seconds or 0)
    return status.active_since + timedelta(seconds=left)


def _trainer(said: TrainerStatus | None, state: State) -> TrainerStatus | None:
    """A trainer says at most 99 percent: all is done when its package is published, which its Job tells."""
    if said is None or state != "Complete":
        return said
    return said.model_copy(update={"progress_percentage": 100, "estimated_remaining_seconds": 0})


def _status(
    job: TrainingJobResource, observed: ObservedTraining, said: tuple[TrainingJobStatus, _Verdict], now: datetime
) -> TrainingJobStatus:
    before, found = said
    runs = found.state in ("Running", "Pending") and observed.problem is None
    end = found.state in ("Complete", "Failed")
    generation = job.metadata.generation
    return TrainingJobStatus(
        observed_generation=generation,
        conditions=conditions(_said(found, observed), before.conditions, generation, now),
        state=found.state,
        retry=job.spec.retry,
        start_time=before.start_time or (now if runs else None),
        completion_time=now if end else None,
        active_seconds=(before.active_seconds or 0) if runs else _active(before, now),
        active_since=(before.active_since or now) if runs else None,
        trainer_status=_trainer(observed.trainer or before.trainer_status, found.state),
        model_package=observed.package,
        verdict=observed.verdict or before.verdict,
        failures=observed.failures,
        last_failure_info=observed.last_failure or before.last_failure_info,
    )


def _said(found: _Verdict, observed: ObservedTraining) -> list[Said]:
    problem = observed.problem
    dataset = ("Found", "The snapshots are there.") if problem is None else (problem.reason, problem.message)
    return [
        true_if("DatasetReady", problem is None, *dataset),
        true_if("Suspended", found.state == "Suspended", found.reason, found.message),
        true_if("Complete", found.state == "Complete", found.reason, found.message),
        true_if("Failed", found.state == "Failed", found.reason, found.message),
    ]
