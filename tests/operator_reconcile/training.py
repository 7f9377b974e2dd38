"""A TrainingJob and its Plans carried out on values, for tests of pure decisions."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from vedette_operator.build.manifest import APPLIED, key
from vedette_operator.reconcile.plan import Plan
from vedette_operator.reconcile.training import ObservedTraining, reconcile

from appliance.contracts.resources import validate
from appliance.contracts.resources.objects import TrainingJobResource
from appliance.contracts.resources.training_status import TrainingJobStatus
from tests.contracts.wrong import changed, example
from tests.operator_reconcile.world import HERE, START


def training_job(**changes: Any) -> TrainingJobResource:
    document = changed(example("trainingjob"), {name.replace("__", "/"): value for name, value in changes.items()})
    document["metadata"] |= {"uid": "7c1d", "generation": 1, "namespace": "vedette"}
    return _read(document)


def _read(document: dict[str, Any]) -> TrainingJobResource:
    read = validate.resource(document, "job")
    assert isinstance(read, TrainingJobResource)
    return read


@dataclass
class Training:
    job: TrainingJobResource
    observed: ObservedTraining = field(default_factory=ObservedTraining)
    now: datetime = START

    @property
    def status(self) -> TrainingJobStatus:
        return self.job.status

    def settle(self) -> list[Plan]:
        """Reconcile until nothing is to be done."""
        plans = []
        for _ in range(5):
            plans.append(reconcile(self.job, self.observed, HERE, self.now))
            if plans[-1].empty:
                return plans
            self._carry_out(plans[-1])
        raise AssertionError("it never came to rest")

    def sees(self, **seen: Any) -> None:
        self.observed = replace(self.observed, **seen)
        self.settle()

    def change(self, **changes: Any) -> None:
        document = self.job.model_dump(mode="json", by_alias=True, exclude_none=True)
        self.job = _read(changed(document, {name.replace("__", "/"): value for name, value in changes.items()}))

    def pass_time(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
        self.settle()

    def condition(self, kind: str) -> tuple[str, str]:
        found = next(each for each in self.status.conditions if each.type == kind)
        return found.status, found.reason

    def _carry_out(self, plan: Plan) -> None:
        children = dict(self.observed.children)
        for manifest in plan.apply:
            children[key(manifest)] = manifest["metadata"]["annotations"][APPLIED]
        for gone in plan.delete:
            del children[gone]
        self.observed = replace(self.observed, children=children)
        for _, waits in plan.suspend:
            assert self.observed.job is not None
            self.observed = replace(self.observed, job=replace(self.observed.job, suspended=waits))
        if plan.status is not None:
            assert isinstance(plan.status, TrainingJobStatus)
            self.job = self.job.model_copy(update={"status": plan.status})
