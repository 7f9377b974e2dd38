"""The operator's benchmark on a small cluster of kwok's: its nodes and pods, its peer, and the whole of it. Figures are not judged."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

import pytest

from appliance.contracts.resources.detector_status import EngineStatus
from appliance.contracts.resources.reports import TrainingReport
from benchmarks import operator as bench
from benchmarks import operator_objects as objects
from benchmarks.operator_client import wait
from benchmarks.operator_cluster import Surroundings, add_nodes, surroundings
from tests.cluster_crds.api_server import ROOT

_PLAN = bench.Plan(objects.size(4), changes=2, rest_seconds=1, quiet_seconds=1)


@pytest.fixture(scope="module")
def around() -> Iterator[Surroundings]:
    with surroundings() as around:
        add_nodes(around.client, _PLAN.size.nodes)
        yield around


def _job(name: str, task: dict[str, Any], labels: dict[str, str]) -> dict[str, Any]:
    container = {
        "name": "one",
        "image": "none:1",
        "env": [{"name": "VEDETTE_TASK", "value": json.dumps(task)}],
        "resources": {"limits": {"nvidia.com/gpu": 1}},
    }
    pod = {"metadata": {"labels": labels}, "spec": {"restartPolicy": "Never", "containers": [container]}}
    metadata = {"name": name, "namespace": objects.NAMESPACE}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": {"template": pod}}


def test_pods_of_jobs_end_with_the_report_of_their_task(around: Surroundings) -> None:
    around.api.kubectl("apply", "-f", "-", given=_job("engine", {"package": {}, "batch_tiles": 16}, {}))
    training = _job("training", {"spec": {}}, {"vedette.io/trainingjob": "one"})
    around.api.kubectl("apply", "-f", "-", given=training)
    said: dict[str, str] = {}

    def ended() -> bool:
        for pod in around.api.get("-n", objects.NAMESPACE, "pods")["items"]:
            if pod["status"]["phase"] == "Succeeded":
                terminated = pod["status"]["containerStatuses"][0]["state"]["terminated"]
                said[pod["metadata"]["labels"]["job-name"]] = terminated["message"]
        return len(said) == 2

    wait(ended, 60, lambda: str(said))
    assert EngineStatus.model_validate_json(said["engine"]).backend == "tensorrt"
    assert TrainingReport.model_validate_json(said["training"]).verdict.goal_met
    around.api.kubectl("-n", objects.NAMESPACE, "wait", "--for=condition=Complete", "job", "--all", "--timeout=30s")


def test_the_peer_is_measured_by_the_audit_log(around: Surroundings) -> None:
    measured = bench._peer(around, _PLAN)
    assert len(measured.at_once) == _PLAN.size.detectors
    assert len(measured.made) == len(measured.changed) == _PLAN.changes
    assert all(0 < seconds < 60 for seconds in (*measured.at_once, *measured.made, *measured.changed))
    assert measured.requests >= 2  # a ReplicaSet and a status at the least


@pytest.mark.skipif(find_spec("vedette_operator.main") is None, reason="no operator in this checkout yet")
def test_a_quick_run_prints_its_comparisons() -> None:
    command = [sys.executable, "-m", "benchmarks", "operator", "--quick"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(lines) == 11
    assert all(line["name"] == "operator" for line in lines)
    figures = {line["metric"]: line["ours"] for line in lines}
    assert figures["10 Detectors and 2 TrainingJobs from the first apply until all are reconciled"] < 120
    assert figures["writes a minute at rest, without the Lease"] == 0
    assert 20 < figures["peak memory"] < 400
