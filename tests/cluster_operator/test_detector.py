"""A Detector from `kubectl apply` to its removal, by the operator as a process against a real API server."""

from __future__ import annotations

import time

import pytest

from appliance.contracts.resources.detector_status import EngineStatus
from appliance.contracts.resources.reports import GateMeasure, GateReport
from tests.cluster_operator.place import SNAPSHOT, Place
from tests.cluster_operator.process import Operator

pytestmark = pytest.mark.usefixtures("operator")
_GATES = {"gates": [{"snapshot": SNAPSHOT, "metric": "f1", "minimum": 0.8}], "strategy": "Recreate"}
_GPU = {"limits": {"nvidia.com/gpu": 1}}
_ENGINE = EngineStatus(key="k", backend="tensorrt", precision="fp16", gpu="H200", build_seconds=41)


def test_a_detector_serves_and_then_nothing_is_written(place: Place, operator: Operator) -> None:
    place.serve()
    place.until("Ready", lambda: place.condition("Ready") == ("True", "Serving"))
    owner = place.deployment("1.0.0")["metadata"]["ownerReferences"]
    assert [(each["kind"], each["name"]) for each in owner] == [("Detector", place.model)]
    about = place.get("det", place.model)["metadata"]
    assert "finalizers" not in about
    assert not [name for name in about.get("annotations", {}) if "kopf" in name]
    time.sleep(1)
    before, requests = place.versions(), operator.metric("vedette_operator_api_requests_total")
    place.apply(place.detector(spec__rollout={"strategy": "Recreate"}, spec__scaling={"minReplicas": 1}))
    time.sleep(5)
    assert place.versions() == before
    assert operator.metric("vedette_operator_api_requests_total") == requests


def test_ready_falls_with_its_pod_and_names_what_is_short(place: Place) -> None:
    place.serve()
    place.until("Ready", lambda: place.condition("Ready") == ("True", "Serving"))
    place.lose_pod(f"{place.deployment('1.0.0')['metadata']['name']}-x")
    place.until("a fall", lambda: place.condition("Ready")[0] == "False", 5)


def test_engine_and_gates_come_before_any_pod_and_are_remembered(place: Place) -> None:
    place.publish()
    place.snapshot()
    place.apply(place.detector(spec__rollout=_GATES, spec__resources=_GPU))
    engine = place.child("jobs", "engine")
    assert place.condition("EngineReady") == ("False", "Building")
    place.end(engine, _ENGINE)
    gates = place.child("jobs", "gates")
    assert place.children("deploy") == {}
    place.end(gates, GateReport(measures=[GateMeasure(value=0.9)]))
    deployment = place.deployment("1.0.0")
    for job in (engine, gates):  # with their node
        place.lose_pod(f"{job['metadata']['name']}-x")
    place.run_workers(deployment)
    place.until("1.0.0", lambda: place.status().get("currentVersion") == "1.0.0")
    assert place.status()["engine"] == {
        "key": "k",
        "backend": "tensorrt",
        "precision": "fp16",
        "gpu": "H200",
        "buildSeconds": 41.0,
        "job": engine["metadata"]["name"],
    }
    assert place.condition("EngineReady") == ("True", "Ready")


def test_a_worse_version_is_rejected_with_metric_and_snapshot_and_the_old_one_serves_on(place: Place) -> None:
    place.serve()
    place.publish("1.1.0")
    place.snapshot()
    place.apply(place.detector("1.1.0", spec__rollout=_GATES, spec__scaling={"minReplicas": 1}))
    place.end(place.child("jobs", "gates"), GateReport(measures=[GateMeasure(value=0.4)]))
    place.until("the refusal", lambda: place.condition("Degraded") == ("True", "GateFailed"))
    assert f"f1 is 0.4 on snapshot {SNAPSHOT}, and 0.8 is required" in place.says("Degraded")
    assert place.status()["currentVersion"] == "1.0.0"
    assert place.condition("Ready") == ("True", "Serving")
    assert len(place.children("deploy")) == 1
    events = place.get("events.events.k8s.io")["items"]
    (warning,) = [each for each in events if each["reason"] == "GateFailed"]
    assert warning["note"].endswith("1.0.0 serves on.")
    assert (warning["type"], warning["regarding"]["name"]) == ("Warning", place.model)


def test_a_job_that_no_other_try_would_mend_says_why_in_its_own_words(place: Place) -> None:
    place.serve()
    place.publish("1.1.0")
    place.snapshot()
    place.apply(place.detector("1.1.0", spec__rollout=_GATES, spec__scaling={"minReplicas": 1}))
    said = "Snapshot 7777 has no labels: annotate it."
    place.end(place.child("jobs", "gates"), said, code=64, reason="PodFailurePolicy")
    place.until("the refusal", lambda: place.condition("Degraded") == ("True", "GateNotMeasured"))
    assert said in place.says("Degraded")
    assert place.status()["lastFailureInfo"]["exitCode"] == 64


def test_a_report_that_was_lost_is_asked_for_again(place: Place) -> None:
    """The pod of a Job that has ended is gone with its node before anybody read it."""
    place.publish()
    place.apply(place.detector(spec__resources=_GPU))
    engine = place.child("jobs", "engine")
    place.end(engine, "not what an engine says")
    uid = engine["metadata"]["uid"]
    place.lose_pod(f"{engine['metadata']['name']}-x")
    place.until("another Job", lambda: place.get("job", engine["metadata"]["name"])["metadata"]["uid"] != uid)


def test_a_file_of_how_to_serve_goes_once_nothing_mounts_it(place: Place) -> None:
    place.serve()
    asked = {"spec__rollout": {"strategy": "Recreate"}, "spec__scaling": {"minReplicas": 1}}
    seen = set()
    for threshold in (0.6, 0.7):
        place.apply(place.detector(spec__runningPoint={"threshold": threshold}, **asked))
        text = f'"threshold":{threshold}'
        place.until(
            f"the file of {threshold} alone",
            lambda text=text: (
                [text in each["data"]["serving.json"] for each in place.children("cm").values()] == [True]
            ),
        )
        seen |= place.children("cm").keys()
    assert len(seen) == 2
    place.apply(place.detector(**asked))
    place.until("no file", lambda: not place.children("cm"))


def test_suspend_takes_the_pods_and_gives_them_back(place: Place) -> None:
    place.serve()
    asked = {"spec__rollout": {"strategy": "Recreate"}, "spec__scaling": {"minReplicas": 1}}
    place.apply(place.detector(spec__suspend=True, **asked))
    place.until("no pods", lambda: place.deployment("1.0.0")["spec"]["replicas"] == 0)
    place.until("Suspended", lambda: place.condition("Ready") == ("False", "Suspended"))
    place.apply(place.detector(spec__suspend=False, **asked))
    place.until("pods", lambda: place.deployment("1.0.0")["spec"]["replicas"] == 1)


def test_a_child_that_somebody_deleted_is_made_again(place: Place) -> None:
    place.serve()
    name = place.deployment("1.0.0")["metadata"]["name"]
    place.kubectl("delete", "deploy", name)
    place.until("the Deployment again", lambda: place.get("deploy", name))


def test_what_the_api_server_refuses_is_said_and_no_loop(place: Place, operator: Operator) -> None:
    place.publish()
    place.apply(place.detector(spec__resources={"limits": {"memory": "1Gi"}, "requests": {"memory": "2Gi"}}))
    place.until("ChildRefused", lambda: place.condition("Degraded") == ("True", "ChildRefused"), 5)
    assert "must be less than or equal to memory limit" in place.says("Degraded")
    before, tried = place.versions(), operator.metric("vedette_operator_api_requests_total", verb="apply")
    time.sleep(5)
    assert place.versions() == before
    assert operator.metric("vedette_operator_api_requests_total", verb="apply") <= tried + 1


def test_delete_ends_at_once_and_one_of_the_same_name_begins_anew(place: Place) -> None:
    place.serve()
    former = place.deployment("1.0.0")["metadata"]["name"]
    began = time.monotonic()
    place.kubectl("delete", "det", place.model, "--timeout=10s")
    assert time.monotonic() - began < 5
    place.apply(place.detector())
    assert place.deployment("1.0.0")["metadata"]["name"] != former
    assert place.get("pod", f"{former}-x")["status"]["phase"] == "Running"  # nobody here collects it
    assert "currentVersion" not in place.status(), "a pod of the former Detector was taken for one of this"
