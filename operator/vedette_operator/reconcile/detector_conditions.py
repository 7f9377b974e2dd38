"""The four conditions of a Detector, from its rollout, its engine and its pods. Pure; called by reconcile/detector.py."""

from __future__ import annotations

from dataclasses import dataclass

from appliance.contracts.resources.detector_spec import DetectorSpec
from vedette_operator.reconcile.conditions import Said, true_if
from vedette_operator.reconcile.engine import Engine
from vedette_operator.reconcile.gates import passed
from vedette_operator.reconcile.observed import Observed
from vedette_operator.reconcile.pods import Trouble, trouble
from vedette_operator.reconcile.rollout import Rollout


@dataclass(frozen=True)
class Situation:
    """All that the conditions tell of. `engine`: of the version asked for."""

    spec: DetectorSpec
    rollout: Rollout
    engine: Engine
    observed: Observed
    desired: int


def said(situation: Situation) -> list[Said]:
    return [_ready(situation), _progressing(situation), _degraded(situation), _engine(situation.engine)]


def _ready(now: Situation) -> Said:
    current = now.rollout.current
    if now.spec.suspend:
        return true_if("Ready", False, "Suspended", "spec.suspend is true: set it to false to serve.")
    if current is None:
        step = _step(now)
        return true_if("Ready", False, step.reason, f"No version serves yet. {step.message}")
    ready = now.observed.ready(current.digest)
    if ready:
        return true_if("Ready", True, "Serving", f"Version {current.version} serves on {ready} of {now.desired} pods.")
    if now.desired == 0:
        return true_if("Ready", True, "Idle", f"Nothing waits; a run brings a pod of version {current.version}.")
    pods = [pod for pod in now.observed.pods if pod.digest == current.digest]
    found = trouble(pods) or Trouble("Starting", f"Pods of version {current.version} are starting.")
    return true_if("Ready", False, found.reason, found.message)


def _progressing(now: Situation) -> Said:
    if now.rollout.canary is None:
        return true_if("Progressing", False, "Stable", "No version is on its way.")
    step = _step(now)
    return true_if("Progressing", True, step.reason, step.message)


def _degraded(now: Situation) -> Said:
    for problem in now.observed.problems:
        return true_if("Degraded", True, problem.reason, problem.message)
    rejected = now.rollout.rejected
    if (
        rejected is not None
        and rejected.digest == now.spec.model.digest
        and now.rollout.canary is None
        and _refused(now)
    ):
        retry = "Give a better version, or raise spec.rollout.retry to try it again."
        return true_if(
            "Degraded", True, rejected.reason, f"Version {rejected.version} was rejected. {rejected.message} {retry}"
        )
    found = trouble(now.observed.pods)
    if found is not None:
        return true_if("Degraded", True, found.reason, found.message)
    return true_if("Degraded", False, "AsAsked", "All is as it should be.")


def _refused(now: Situation) -> bool:
    """The rejected version is still the one asked for, and not the one that serves."""
    current = now.rollout.current
    return current is None or current.digest != now.spec.model.digest


def _engine(engine: Engine) -> Said:
    reasons = {"Ready": "Ready", "Building": "Building", "Fallback": "BuildFailed", "Failed": "BuildFailed"}
    return true_if("EngineReady", engine.state == "Ready", reasons[engine.state], engine.message)


def _step(now: Situation) -> Trouble:
    """What the version on its way waits for."""
    canary, rejected = now.rollout.canary, now.rollout.rejected
    if canary is None:
        return Trouble(rejected.reason, rejected.message) if rejected else Trouble("Pending", "It begins soon.")
    for problem in now.observed.problems:
        return Trouble(problem.reason, problem.message)
    if not now.engine.usable:
        return Trouble("BuildingEngine", now.engine.message)
    if not passed(canary.gates):
        return Trouble("EvaluatingGates", f"Version {canary.version} is measured on the snapshots of its gates.")
    if canary.ready_since is not None:
        return Trouble("Canary", f"Version {canary.version} gets {canary.percent} percent of the runs.")
    pods = [pod for pod in now.observed.pods if pod.digest == canary.digest]
    return trouble(pods) or Trouble("Starting", f"Pods of version {canary.version} are starting.")
