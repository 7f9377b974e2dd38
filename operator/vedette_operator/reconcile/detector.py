"""One reconcile of a Detector for create, update, resume and resync: it puts the policies together. Pure.

Called by the handlers with what they saw; carried out by kube.py. Knows neither of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Literal

from appliance.contracts.resources.detector_status import (
    DetectorStatus,
    GateResult,
    QueueStatus,
    ReplicaStatus,
    RunningPointStatus,
)
from appliance.contracts.resources.objects import DetectorResource
from appliance.contracts.serving import Serving
from vedette_operator.build import detector as build
from vedette_operator.build import serving as build_serving
from vedette_operator.build.manifest import Manifest
from vedette_operator.build.pod import Surroundings
from vedette_operator.reconcile import detector_conditions, gates
from vedette_operator.reconcile.conditions import conditions
from vedette_operator.reconcile.engine import Engine, engine
from vedette_operator.reconcile.observed import ChildKey, Observed
from vedette_operator.reconcile.plan import Plan, difference, wake_at
from vedette_operator.reconcile.pods import trouble
from vedette_operator.reconcile.rollout import Facts, Rollout, roll, serving
from vedette_operator.reconcile.scaling import Scale, scale


def reconcile(detector: DetectorResource, observed: Observed, here: Surroundings, now: datetime) -> Plan:
    """What to do now. The same of the same; nothing, once all has been done."""
    spec, before = detector.spec, detector.status
    facts = _facts(detector, observed)
    rollout = roll(spec, before, facts, now)
    size = Scale(0) if spec.suspend else scale(spec.scaling, observed.queue, before.replicas, now)
    if rollout.current is None:
        size = Scale(0)
    wanted = tuple(_wanted(detector, rollout, facts, (observed, size.desired), here))
    apply, delete = difference(wanted, observed.children, _kept(detector, rollout, observed))
    status = _status(detector, observed, rollout, (facts.engine, size), now)
    return Plan(
        apply,
        delete,
        None if status == before else status,
        (rollout.event,) if rollout.event else (),
        wake_at(now, rollout.moment, size.falls),
    )


def _facts(detector: DetectorResource, observed: Observed) -> Facts:
    digest = detector.spec.model.digest
    gate_job = _gate_job(detector, observed)
    measured = observed.jobs.get(gate_job)
    found = trouble(pod for pod in observed.pods if pod.digest == digest)
    return Facts(
        engine=_engine(detector, observed),
        gates=_gates(detector, observed, gate_job),
        gate_job_failed=measured.message if measured and measured.outcome == "failed" else None,
        ready=observed.ready(digest),
        trouble=found.message if found else "",
        blocked=bool(observed.problems),
        gate_job=gate_job,
    )


def _engine(detector: DetectorResource, observed: Observed) -> Engine:
    """What the Job reported, or what the status remembers of it: a pod may be gone with its node."""
    status, digest = detector.status, detector.spec.model.digest
    canary = status.canary if status.canary is not None and status.canary.digest == digest else None
    known = canary.engine if canary is not None else status.engine
    return engine(detector.spec, digest, build.engine_job_name(detector, digest), observed, known)


def _gate_job(detector: DetectorResource, observed: Observed) -> str:
    """By the name of what is served; while that is not known, the one that measured before."""
    canary = detector.status.canary
    if observed.serving is None:
        return (canary.gate_job or "") if canary is not None else ""
    return build.gate_job_name(detector, detector.spec.model.digest, observed.serving)


def _gates(detector: DetectorResource, observed: Observed, job: str) -> list[GateResult]:
    status, digest = detector.status, detector.spec.model.digest
    canary, current = status.canary, serving(status)
    if job not in observed.measures and canary is not None and (canary.digest, canary.gate_job) == (digest, job):
        return canary.gates
    measures = observed.measures.get(job, {})
    return gates.results(detector.spec.rollout.gates, digest, current.digest if current else None, measures)


def _wanted(
    detector: DetectorResource, rollout: Rollout, facts: Facts, sized: tuple[Observed, int], here: Surroundings
) -> Iterator[Manifest]:
    """The children there should be. A version on its way gets a pod only once its engine is usable and its gates passed."""
    current, canary, (observed, desired) = rollout.current, rollout.canary, sized
    asked = detector.spec.model.digest
    if current is not None:
        yield from _served(detector, (current.digest, current.uri), observed, desired, here)
        if current.digest == asked and not facts.engine.usable and not detector.spec.suspend:
            yield build.engine_job(detector, (current.digest, current.uri), here)
    if canary is None or facts.blocked:
        return
    package = (canary.digest, detector.spec.model.storage_uri)
    if not facts.engine.usable:
        yield build.engine_job(detector, package, here)
    elif not gates.passed(facts.gates):
        yield build.gate_job(detector, *_measured(detector, rollout, observed), here)
    else:
        yield from _served(detector, package, observed, 1, here)


def _served(
    detector: DetectorResource, package: tuple[str, str], observed: Observed, replicas: int, here: Surroundings
) -> Iterator[Manifest]:
    """How a version is served changes only while it is the one asked for, and while all that it names is there."""
    mounted = observed.mounts.deployments.get(build.deployment_name(detector, package[0]), "")
    name = mounted
    if observed.serving is not None and package[0] == detector.spec.model.digest:
        name = build_serving.name(detector, observed.serving)
        if name:
            yield build_serving.config_map(detector, observed.serving)
    yield build.deployment(detector, package, replicas, here, name)


def _measured(
    detector: DetectorResource, rollout: Rollout, observed: Observed
) -> tuple[build.Measured, build.Measured | None]:
    """The candidate and what it is compared with, each as it is served."""
    model, current, mounts = detector.spec.model, rollout.current, observed.mounts
    candidate = build.Measured(model.digest, model.storage_uri, observed.serving or Serving())
    if current is None:
        return candidate, None
    mounted = mounts.deployments.get(build.deployment_name(detector, current.digest), "")
    return candidate, build.Measured(current.digest, current.uri, mounts.contents.get(mounted, Serving()))


def _kept(detector: DetectorResource, rollout: Rollout, observed: Observed) -> set[ChildKey]:
    """Jobs that have ended are not wanted any more, but what they reported is; and what lacks something stays as it is."""
    names = {*observed.mounts.pods, *observed.mounts.deployments.values()}
    current, canary = rollout.current, rollout.canary
    if current is not None:
        names.add(build.engine_job_name(detector, current.digest))
    if canary is not None:
        names |= {build.engine_job_name(detector, canary.digest), _gate_job(detector, observed)}
        if observed.problems:
            names.add(build.deployment_name(detector, canary.digest))
            names |= {name for kind, name in observed.children if kind == "Job"}
    return {key for key in observed.children if key[1] in names}


def _status(
    detector: DetectorResource, observed: Observed, rollout: Rollout, sized: tuple[Engine, Scale], now: datetime
) -> DetectorStatus:
    engine, size = sized
    spec, before, current = detector.spec, detector.status, rollout.current
    situation = detector_conditions.Situation(spec, rollout, engine, observed, size.desired)
    generation = detector.metadata.generation
    replicas = ReplicaStatus(
        desired=size.desired,
        ready=observed.ready(current.digest) if current else 0,
        unschedulable=sum(bool(pod.unschedulable) for pod in observed.pods),
        low_since=size.low_since,
    )
    return DetectorStatus(
        observed_generation=generation,
        conditions=conditions(detector_conditions.said(situation), before.conditions, generation, now),
        current_version=current.version if current else None,
        current_digest=current.digest if current else None,
        current_storage_uri=current.uri if current else None,
        previous_version=rollout.previous,
        canary=rollout.canary,
        rejected=rollout.rejected,
        engine=engine.status if current and current.digest == spec.model.digest else before.engine,
        running_point=_running_point(detector, observed),
        replicas=replicas,
        selector=build.selector(detector),
        queue=QueueStatus(
            pending_megapixels=observed.queue.pending_megapixels, oldest_queued_at=observed.queue.oldest_queued_at
        ),
        last_failure_info=before.last_failure_info,
    )


def _running_point(detector: DetectorResource, observed: Observed) -> RunningPointStatus | None:
    choice = detector.spec.running_point
    given = choice.threshold if choice else None
    own = observed.package.threshold if observed.package else None
    threshold = own if given is None else given
    source: Literal["package", "spec"] = "package" if given is None else "spec"
    return None if threshold is None else RunningPointStatus(threshold=threshold, source=source)
