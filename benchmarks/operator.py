"""`operator`: 1,000 Detectors and 200 TrainingJobs on 500 GPU nodes of kwok, all at once, at rest, and ten changes a second.

A real API server with its controllers and scheduler, real NATS and object store with a model package for each Detector; only the
nodes are kwok's. The peer is Kubernetes' own Deployment controller, on as many Deployments, in the same cluster before the operator
starts. Times are those of the API server's audit log. Needs the programs of `scripts/build_cluster_tools.sh kubernetes kwok`.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from benchmarks import operator_audit as audit
from benchmarks import operator_objects as objects
from benchmarks import operator_process
from benchmarks.operator_cluster import (
    OPERATOR,
    Surroundings,
    add_nodes,
    store_packages,
    store_snapshots,
    surroundings,
)
from benchmarks.operator_load import PER_SECOND, Kind, Side, Span, all_at_once, steadily, waited
from benchmarks.operator_objects import Manifest, Size
from benchmarks.operator_process import Operator
from benchmarks.report import Comparison, compare
from tests.cluster_crds.control_plane import CONTROLLERS

_NAME = "operator"
_GOAL = "the goal"
_PEER = "the Deployment controller"
_OURS = Side(OPERATOR, objects.NAMESPACE, ("deployments", "jobs"))
_THEIRS = Side(CONTROLLERS, objects.PEER_NAMESPACE, ("replicasets",), "/deployment-controller")
_MORE_PODS: Manifest = {"spec": {"scaling": {"minReplicas": 2}}}
_MORE_REPLICAS: Manifest = {"spec": {"replicas": 2}}


@dataclass(frozen=True)
class Plan:
    """How much of everything. `changes`: how many objects are made, and as many changed, under churn."""

    size: Size
    changes: int
    rest_seconds: float
    quiet_seconds: float


@dataclass(frozen=True)
class Measured:
    """Both loads of one side, in seconds waited, and the requests for each object that was made at once."""

    at_once: list[float]
    made: list[float]
    changed: list[float]
    requests: float


@dataclass(frozen=True)
class Cost:
    """Of the operator's process. Processor time in percent of one core, memory in 10^6 bytes."""

    rest_percent: float
    churn_percent: float
    rest_megabytes: float
    peak_megabytes: float
    writes_a_minute: float


def run(quick: bool, size: int | None = None) -> Iterator[Comparison]:
    """All within 120 s, 95 of 100 have a child within 1 s, at most 200 MB, at rest almost nothing and no write."""
    plan = Plan(objects.size(10), 5, 5, 3) if quick else Plan(objects.size(size or 1000), 150, 60, 15)
    with surroundings() as around:
        add_nodes(around.client, plan.size.nodes)
        theirs = _peer(around, plan)
        digests = store_packages(around.store, plan.size.detectors + plan.changes)
        with operator_process.running(around) as operator:
            span, ours, cost = _ours(around, operator, plan, digests)
    yield from _compared(plan, span, ours, theirs, cost)


def _peer(around: Surroundings, plan: Plan) -> Measured:
    count = plan.size.detectors
    manifests = objects.deployments(count + plan.changes)
    at_once = all_at_once(around.client, [Kind(manifests[:count], _available)])
    steady = steadily(around.client, Kind(manifests[count:], _available), _changes(plan, _MORE_REPLICAS))
    return _measured(around, _THEIRS, count, at_once, steady)


def _ours(around: Surroundings, operator: Operator, plan: Plan, digests: list[str]) -> tuple[Span, Measured, Cost]:
    count = plan.size.detectors
    manifests = objects.detectors(digests)
    trainings = objects.trainings(plan.size.trainings, store_snapshots(around.store))
    at_once = all_at_once(
        around.client, [Kind(manifests[:count], _ready), Kind(trainings, _complete)], lambda: operator.alive
    )
    time.sleep(plan.quiet_seconds)
    rest, rest_percent = _rested(operator, plan)
    megabytes, used = operator.megabytes(), operator.cpu_seconds()
    steady = steadily(around.client, Kind(manifests[count:], _ready), _changes(plan, _MORE_PODS))
    churn_percent = 100 * (operator.cpu_seconds() - used) / (steady.ended - steady.began)
    requests = audit.read(around.audit)
    _tell(requests, {"at once": at_once, "at rest": rest, "steadily": steady})
    writes = [one for one in _OURS.asked(requests, rest) if one.writes and one.resource != audit.LEASES]
    minute = 60 * len(writes) / (rest.ended - rest.began)
    cost = Cost(rest_percent, churn_percent, megabytes, operator.peak_megabytes(), minute)
    return at_once, _measured(around, _OURS, plan.size.objects, at_once, steady), cost


def _rested(operator: Operator, plan: Plan) -> tuple[Span, float]:
    """Do nothing for a while; the processor time that the operator took meanwhile, in percent of a core."""
    began, used = time.time(), operator.cpu_seconds()
    time.sleep(plan.rest_seconds)
    ended = time.time()
    return Span(began, ended, ended), 100 * (operator.cpu_seconds() - used) / (ended - began)


def _measured(around: Surroundings, side: Side, count: int, at_once: Span, steady: Span) -> Measured:
    requests = audit.read(around.audit)
    return Measured(
        at_once=waited(around.client, side, requests, at_once, "create"),
        made=waited(around.client, side, requests, steady, "create"),
        changed=waited(around.client, side, requests, steady, "patch"),
        requests=len(side.asked(requests, at_once)) / count,
    )


def _compared(plan: Plan, span: Span, ours: Measured, theirs: Measured, cost: Cost) -> Iterator[Comparison]:
    def line(metric: str, value: float, peer: tuple[str, float], unit: str) -> Comparison:
        return compare(_NAME, metric, [value], (peer[0], [peer[1]]), "lower", unit)

    def p95(one: list[float]) -> float:
        return audit.percentile(one, 95)

    many = f"{plan.size.detectors} Detectors and {plan.size.trainings} TrainingJobs"
    steadily = f"95th percentile, {PER_SECOND} a second"
    yield line(f"{many} from the first apply until all are reconciled", span.seconds, (_GOAL, 120), "s")
    yield line(
        "apply to child created, 95th percentile, all at once", p95(ours.at_once), (_PEER, p95(theirs.at_once)), "s"
    )
    yield line(f"apply to child created, {steadily}", p95(ours.made), (_PEER, p95(theirs.made)), "s")
    yield line(f"apply to child created, {steadily}", p95(ours.made), (_GOAL, 1), "s")
    yield line(f"change to child changed, {steadily}", p95(ours.changed), (_PEER, p95(theirs.changed)), "s")
    yield line("requests to the API server for each object", ours.requests, (_PEER, theirs.requests), "1")
    yield line("peak memory", cost.peak_megabytes, (_GOAL, 200), "MB")
    yield line("memory at rest", cost.rest_megabytes, (_GOAL, 200), "MB")
    yield line("processor at rest", cost.rest_percent, (_GOAL, 1), "% of a core")
    yield line(f"processor, {PER_SECOND} a second", cost.churn_percent, ("one core", 100), "% of a core")
    yield line("writes a minute at rest, without the Lease", cost.writes_a_minute, (_GOAL, 0), "1/min")


def _changes(plan: Plan, change: Manifest) -> list[tuple[str, Manifest]]:
    return [(objects.name(number % plan.size.detectors), change) for number in range(plan.changes)]


def _available(deployment: Any) -> bool:
    return bool(deployment.get("status", {}).get("availableReplicas")) and _seen(deployment)


def _ready(detector: Any) -> bool:
    return _says(detector, "Ready") and _seen(detector)


def _complete(training: Any) -> bool:
    return _says(training, "Complete") and _seen(training)


def _says(item: Any, condition: str) -> bool:
    said = item.get("status", {}).get("conditions", [])
    return any(each["type"] == condition and each["status"] == "True" for each in said)


def _seen(item: Any) -> bool:
    """What its controller says is of the spec as it is now."""
    return bool(item.get("status", {}).get("observedGeneration") == item["metadata"]["generation"])


def _tell(requests: list[audit.Request], spans: dict[str, Span]) -> None:
    """What the operator asked for, most first, on standard error."""
    for name, span in spans.items():
        kinds = ", ".join(f"{count} {kind}" for kind, count in audit.counted(_OURS.asked(requests, span)))
        print(f"· operator {name}, {span.ended - span.began:.1f} s: {kinds or 'nothing'}", file=sys.stderr)
