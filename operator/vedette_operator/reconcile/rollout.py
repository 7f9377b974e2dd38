"""How a new version takes over: engine, gates, canary, all; or back. Pure; called by reconcile/detector.py.

A version gets traffic only when its engine is usable, all its gates have passed and a pod of it is ready. The version that
serves is kept until then, and a rejected one is not tried again until spec.rollout.retry is raised.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from appliance.contracts.resources.base import package_version
from appliance.contracts.resources.detector_spec import DetectorSpec
from appliance.contracts.resources.detector_status import CanaryStatus, DetectorStatus, GateResult, RejectedVersion
from vedette_operator.reconcile import gates
from vedette_operator.reconcile.engine import Engine
from vedette_operator.reconcile.plan import Event

CANARY_SECONDS = 60
"""How long a canary must serve without a pod falling before it takes all runs."""
_PERCENT = 10


@dataclass(frozen=True)
class Version:
    """A model package that serves or may."""

    version: str
    digest: str
    uri: str


@dataclass(frozen=True)
class Facts:
    """What was seen of the version asked for. `blocked`: something it needs is missing, so it must not go on.

    `gate_job`: the Job that measures its gates.
    """

    engine: Engine
    gates: list[GateResult]
    gate_job_failed: str | None
    ready: int
    trouble: str
    blocked: bool
    gate_job: str = ""


@dataclass(frozen=True)
class Rollout:
    """`moment`: when time alone will change the decision."""

    current: Version | None
    previous: str | None
    canary: CanaryStatus | None
    rejected: RejectedVersion | None
    event: Event | None = None
    moment: datetime | None = None


def target(spec: DetectorSpec) -> Version:
    return Version(package_version(spec.model.storage_uri), spec.model.digest, spec.model.storage_uri)


def serving(status: DetectorStatus) -> Version | None:
    """The version that took over last, as the status remembers it."""
    if not (status.current_version and status.current_digest and status.current_storage_uri):
        return None
    return Version(status.current_version, status.current_digest, status.current_storage_uri)


def wants(spec: DetectorSpec, status: DetectorStatus) -> bool:
    """Whether a version is, or should be, on its way."""
    current, rejected = serving(status), status.rejected
    if spec.suspend or (current is not None and current.digest == spec.model.digest):
        return False
    return rejected is None or rejected.digest != spec.model.digest or rejected.retry < spec.rollout.retry


def roll(spec: DetectorSpec, status: DetectorStatus, facts: Facts, now: datetime) -> Rollout:
    current = serving(status)
    kept = Rollout(current, status.previous_version, None, status.rejected)
    if not wants(spec, status):
        return kept
    canary = _begun(spec, status, now)
    refusal = _refusal(facts)
    deadline = canary.started_at + timedelta(seconds=spec.rollout.progress_deadline_seconds)
    if refusal is None and deadline <= now and current is not None:
        refusal = ("ProgressDeadlineExceeded", f"It did not take over in time. {facts.trouble}".strip())
    if refusal is not None:
        return _reject(spec, kept, refusal)
    return _advance(spec, kept, _served(spec, canary, facts, now), now, deadline)


def _begun(spec: DetectorSpec, status: DetectorStatus, now: datetime) -> CanaryStatus:
    version = target(spec)
    if status.canary is not None and status.canary.digest == version.digest:
        return status.canary
    return CanaryStatus(version=version.version, digest=version.digest, percent=0, started_at=now)


def _refusal(facts: Facts) -> tuple[str, str] | None:
    failed = gates.failure(facts.gates)
    if failed is not None:
        return "GateFailed", failed
    if facts.gate_job_failed is not None and not gates.passed(facts.gates):
        return "GateNotMeasured", f"A gate could not be measured: {facts.gate_job_failed}"
    if facts.engine.state == "Failed":
        return "EngineFailed", facts.engine.message
    return None


def _served(spec: DetectorSpec, canary: CanaryStatus, facts: Facts, now: datetime) -> CanaryStatus:
    """The canary with the traffic that it may have now."""
    able = facts.engine.usable and gates.passed(facts.gates) and facts.ready > 0 and not facts.blocked
    percent = (spec.rollout.canary_percent or _PERCENT) if able and spec.rollout.strategy == "Canary" else 0
    since = (canary.ready_since or now) if able else None
    measured = facts.gate_job if facts.gates and all(each.state != "Pending" for each in facts.gates) else None
    engine = facts.engine.status or canary.engine
    seen = {"gates": facts.gates, "gate_job": measured, "engine": engine}
    return canary.model_copy(update={**seen, "percent": percent, "ready_since": since})


def _advance(spec: DetectorSpec, kept: Rollout, canary: CanaryStatus, now: datetime, deadline: datetime) -> Rollout:
    waits = timedelta(seconds=CANARY_SECONDS if spec.rollout.strategy == "Canary" and kept.current else 0)
    if canary.ready_since is not None and canary.ready_since + waits <= now:
        previous = kept.current.version if kept.current else kept.previous
        event = Event("Promoted", f"Version {canary.version} takes all runs.")
        return Rollout(target(spec), previous, None, None, event)
    # Without a version to go back to, a rollout goes on after its deadline: it may yet come right.
    moments = [deadline] if kept.current and deadline > now else []
    moments += [canary.ready_since + waits] if canary.ready_since else []
    shown = canary if kept.current else canary.model_copy(update={"percent": 0})
    return Rollout(kept.current, kept.previous, shown, kept.rejected, None, min(moments, default=None))


def _reject(spec: DetectorSpec, kept: Rollout, refusal: tuple[str, str]) -> Rollout:
    reason, message = refusal
    version = target(spec)
    rejected = RejectedVersion(
        version=version.version, digest=version.digest, reason=reason, message=message[:2048], retry=spec.rollout.retry
    )
    stays = f" {kept.current.version} serves on." if kept.current else ""
    event = Event(reason, f"Version {version.version} was rejected. {message}{stays}"[:1000], warning=True)
    return Rollout(kept.current, kept.previous, None, rejected, event)
