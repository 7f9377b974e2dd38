"""The children of a TrainingJob, whole, as golden YAML."""

from __future__ import annotations

from vedette_operator.build import training as build

from tests.operator_build import golden_file
from tests.operator_reconcile.training import training_job
from tests.operator_reconcile.world import HERE


def test_one_pod_is_as_in_the_golden_file() -> None:
    golden_file.check("training", build.training_job(training_job(), HERE))


def test_several_pods_meet_by_name() -> None:
    made = training_job(spec__numNodes=2)
    golden_file.check("training-two-nodes", build.service(made), build.training_job(made, HERE))
