"""A cluster as far as a reconcile sees it: Plans are carried out on values, and time passes when told to.

For property tests of pure decisions only; handlers and kube.py are tested on a real API server.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from vedette_operator.build import detector as build
from vedette_operator.build.manifest import APPLIED, key
from vedette_operator.build.pod import Surroundings
from vedette_operator.reconcile.detector import reconcile
from vedette_operator.reconcile.observed import Job, Observed, Pod, Problem, Queue
from vedette_operator.reconcile.plan import Plan

from appliance.contracts.resources import validate
from appliance.contracts.resources.detector_status import DetectorStatus, EngineStatus
from appliance.contracts.resources.objects import DetectorResource
from appliance.contracts.serving import Serving
from tests.contracts.wrong import changed, example

HERE = Surroundings("vedette/inference@sha256:" + "1" * 64, "vedette/training@sha256:" + "2" * 64)
START = datetime(2026, 11, 1, 12, tzinfo=UTC)
SNAPSHOT = "sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae"


def package_digest(number: int) -> str:
    return "sha256:" + hashlib.sha256(str(number).encode()).hexdigest()


def package(number: int) -> dict[str, Any]:
    return {
        "spec/model/storageUri": f"s3://vedette/models/harbour-ships/{number}.0.0",
        "spec/model/digest": package_digest(number),
    }


def detector(**changes: Any) -> DetectorResource:
    """The full example with a uid, and changes by path (`spec__suspend=True`)."""
    document = changed(
        example("detector-full"), {**package(1), **{name.replace("__", "/"): v for name, v in changes.items()}}
    )
    document["metadata"] |= {"uid": "b4e5", "generation": 1, "namespace": "vedette"}
    read = validate.resource(document, "detector")
    assert isinstance(read, DetectorResource)
    return read


def gate_job_name(made: DetectorResource) -> str:
    return build.gate_job_name(made, made.spec.model.digest, Serving())


@dataclass
class World:
    """`plans`: all that were carried out."""

    detector: DetectorResource
    observed: Observed = field(default_factory=Observed)
    now: datetime = START
    plans: list[Plan] = field(default_factory=list)

    @property
    def status(self) -> DetectorStatus:
        return self.detector.status

    def once(self) -> Plan:
        """One reconcile, carried out."""
        plan = reconcile(self.detector, self.observed, HERE, self.now)
        self._carry_out(plan)
        self.plans.append(plan)
        return plan

    def settle(self) -> int:
        """Reconcile until nothing is to be done; how often it took. Never more than a few times at one moment."""
        for count in range(1, 6):
            if self.once().empty:
                return count
        raise AssertionError("it never came to rest")

    def change(self, **changes: Any) -> None:
        document = self.detector.model_dump(mode="json", by_alias=True, exclude_none=True)
        document = changed(document, {name.replace("__", "/"): value for name, value in changes.items()})
        document["metadata"]["generation"] += 1
        read = validate.resource(document, "detector")
        assert isinstance(read, DetectorResource)
        self.detector = read

    def pass_time(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def engine_ends(self, *, well: bool) -> None:
        """The Job that builds the engine of the version asked for, where there is one."""
        name = build.engine_job_name(self.detector, self.detector.spec.model.digest)
        if ("Job", name) not in self.observed.children:
            return
        outcome = Job("complete") if well else Job("failed", "The card has too little memory.")
        engines = dict(self.observed.engines)
        if well:
            engines[name] = EngineStatus(key=name, backend="tensorrt", precision="fp16", gpu="NVIDIA H200")
        self.observed = replace(self.observed, jobs={**self.observed.jobs, name: outcome}, engines=engines)

    def gates_end(self, value: float | None, baseline: float = 0.85) -> None:
        """The Job that measures, where there is one; None: it failed."""
        digest = self.detector.spec.model.digest
        name = gate_job_name(self.detector)
        if ("Job", name) not in self.observed.children:
            return
        outcome = Job("complete") if value is not None else Job("failed", "The snapshot is gone.")
        measures = dict(self.observed.measures)
        if value is not None:
            found = {(digest, SNAPSHOT, "f1"): value}
            if self.status.current_digest:
                found[(self.status.current_digest, SNAPSHOT, "f1")] = baseline
            measures[name] = found
        self.observed = replace(self.observed, jobs={**self.observed.jobs, name: outcome}, measures=measures)

    def pods(self, *, ready: bool, **words: Any) -> None:
        """One pod for each Deployment there is."""
        names = [name for kind, name in self.observed.children if kind == "Deployment"]
        digests = {build.deployment_name(self.detector, d): d for d in self._digests()}
        pods = tuple(Pod(f"{name}-x", digests[name], ready, **words) for name in sorted(names))
        self.observed = replace(self.observed, pods=pods)

    def waits(self, megapixels: float, busy: int = 0) -> None:
        self.observed = replace(self.observed, queue=Queue(megapixels, 1.0 if megapixels else 0.0, busy))

    def lacks(self, *problems: Problem) -> None:
        self.observed = replace(self.observed, problems=problems)

    def condition(self, kind: str) -> tuple[str, str, str]:
        found = next(each for each in self.status.conditions if each.type == kind)
        return found.status, found.reason, found.message

    def deployed(self, digest: str) -> bool:
        return ("Deployment", build.deployment_name(self.detector, digest)) in self.observed.children

    def serve(self, number: int = 1) -> None:
        """The version asked for takes over, all going well."""
        self.settle()
        self.engine_ends(well=True)
        self.settle()
        self.gates_end(0.9)
        self.settle()
        self.pods(ready=True)
        self.settle()
        self.pass_time(60)
        self.settle()
        assert self.status.current_version == f"{number}.0.0"

    def _digests(self) -> set[str]:
        digests = {self.status.current_digest, self.detector.spec.model.digest}
        digests |= {pod.digest for pod in self.observed.pods}
        return {digest for digest in digests if digest}

    def _carry_out(self, plan: Plan) -> None:
        children = dict(self.observed.children)
        for manifest in plan.apply:
            children[key(manifest)] = manifest["metadata"]["annotations"][APPLIED]
        for gone in plan.delete:
            del children[gone]
        names = {name for _, name in children}
        self.observed = replace(
            self.observed,
            children=children,
            jobs={name: job for name, job in self.observed.jobs.items() if name in names},
            engines={name: engine for name, engine in self.observed.engines.items() if name in names},
            measures={name: found for name, found in self.observed.measures.items() if name in names},
            pods=tuple(pod for pod in self.observed.pods if self._stands(pod, names)),
        )
        if plan.status is not None:
            assert isinstance(plan.status, DetectorStatus)
            self.detector = self.detector.model_copy(update={"status": plan.status})

    def _stands(self, pod: Pod, names: set[str]) -> bool:
        return build.deployment_name(self.detector, pod.digest) in names
