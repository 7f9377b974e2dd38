"""One reconcile of a Detector for create, update, resume and resync: it puts the policies together. Pure.

Called by the handlers with what they saw; carried out by kube.py. Knows neither of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Literal

from appliance.contracts.resources.detector_status import (
    DetectorStatus,
    QueueStatus,
    ReplicaStatus,
    RunningPointStatus,
)
from appliance.contracts.resources.objects import DetectorResource
from vedette_operator.build import detector as build
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
    wanted = tuple(_wanted(detector, rollout, facts, size.desired, here))
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
    spec, digest = detector.spec, detector.spec.model.digest
    current = serving(detector.status)
    gate_job = build.gate_job_name(detector, digest)
    measured, measures = observed.jobs.get(gate_job), observed.measures.get(gate_job, {})
    found = trouble(pod for pod in observed.pods if pod.digest == digest)
    return Facts(
        engine=engine(spec, digest, build.engine_job_name(detector, digest), observed),
        gates=gates.results(spec.rollout.gates, digest, current.digest if current else None, measures),
        gate_job_failed=measured.message if measured and measured.outcome == "failed" else None,
        ready=observed.ready(digest),
        trouble=found.message if found else "",
        blocked=bool(observed.problems),
    )


def _wanted(
    detector: DetectorResource, rollout: Rollout, facts: Facts, desired: int, here: Surroundings
) -> Iterator[Manifest]:
    """The children there should be. A version on its way gets a pod only once its engine is usable and its gates passed."""
    current, canary = rollout.current, rollout.canary
    if current is not None:
        yield build.deployment(detector, (current.digest, current.uri), desired, here)
        if current.digest == detector.spec.model.digest and not facts.engine.usable and not detector.spec.suspend:
            yield build.engine_job(detector, (current.digest, current.uri), here)
    if canary is None or facts.blocked:
        return
    package = (canary.digest, detector.spec.model.storage_uri)
    if not facts.engine.usable:
        yield build.engine_job(detector, package, here)
    elif not gates.passed(facts.gates):
        yield build.gate_job(detector, package, (current.digest, current.uri) if current else None, here)
    else:
        yield build.deployment(detector, package, 1, here)


def _kept(detector: DetectorResource, rollout: Rollout, observed: Observed) -> set[ChildKey]:
    """Jobs that have ended are not wanted any more, but what they reported is; and what lacks something stays as it is."""
    names = set()
    current, canary = rollout.current, rollout.canary
    if current is not None:
        names.add(build.engine_job_name(detector, current.digest))
    if canary is not None:
        names |= {build.engine_job_name(detector, canary.digest), build.gate_job_name(detector, canary.digest)}
        if observed.problems:
            names.add(build.deployment_name(detector, canary.digest))
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
    threshold = observed.package_threshold if given is None else given
    source: Literal["package", "spec"] = "package" if given is None else "spec"
    return None if threshold is None else RunningPointStatus(threshold=threshold, source=source)
