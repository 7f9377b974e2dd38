"""The CRDs on a real API server: taken, explained, defaulted, scaled; wrong YAML refused in the words of standalone mode."""

from __future__ import annotations

import json
from typing import Any

import pytest

from appliance.contracts.resources import validate
from tests.cluster_crds.api_server import ROOT, ApiServer, KubectlError
from tests.contracts.wrong import CHANGES, EXAMPLES, WRONG, Wrong, changed, example

NAMES = sorted(path.stem for path in EXAMPLES.glob("*.yaml"))


def _refused(api: ApiServer, *words: str, given: Any) -> str:
    with pytest.raises(KubectlError) as refused:
        api.kubectl(*words, "-f", "-", given=given)
    return str(refused.value)


def _made(api: ApiServer, name: str, as_name: str, changes: dict[str, Any] | None = None) -> dict[str, Any]:
    named: dict[str, Any] = {"metadata/name": as_name}
    if name.startswith("detector"):
        named["spec/model/storageUri"] = f"s3://vedette/models/{as_name}/1.4.0"
    document = changed(example(name), {**named, **(changes or {})})
    api.kubectl("apply", "-f", "-", given=document)
    return document


def test_both_are_established_and_structural(api: ApiServer) -> None:
    for item in api.get("-f", str(ROOT / "crds"))["items"]:
        conditions = {each["type"]: each["status"] for each in item["status"]["conditions"]}
        assert conditions["Established"] == "True"
        assert conditions["NamesAccepted"] == "True"
        assert "NonStructuralSchema" not in conditions


@pytest.mark.parametrize("name", NAMES)
def test_an_example_is_taken_and_twice_changes_nothing(api: ApiServer, name: str) -> None:
    path = str(EXAMPLES / f"{name}.yaml")
    api.kubectl("apply", "-f", path)
    before = api.get("-f", path)["metadata"]["resourceVersion"]
    assert "unchanged" in api.kubectl("apply", "-f", path)
    assert api.get("-f", path)["metadata"]["resourceVersion"] == before


@pytest.mark.parametrize("wrong", WRONG, ids=str)
def test_wrong_yaml_is_refused_with_field_and_remedy(api: ApiServer, wrong: Wrong) -> None:
    said = _refused(api, "create", "--dry-run=server", given=wrong.document)
    assert wrong.where in said
    assert wrong.says in said


@pytest.mark.parametrize("change", CHANGES, ids=str)
def test_what_must_stay_cannot_be_changed(api: ApiServer, change: Wrong) -> None:
    api.kubectl("apply", "-f", "-", given=example(change.example))
    said = _refused(api, "replace", given=change.document)
    assert change.where in said
    assert change.says in said


def test_retry_only_counts_up(api: ApiServer) -> None:
    _made(api, "detector", "counted")
    api.kubectl("patch", "det", "counted", "--type=merge", "-p", '{"spec":{"rollout":{"retry":2}}}')
    with pytest.raises(KubectlError, match="retry only counts up"):
        api.kubectl("patch", "det", "counted", "--type=merge", "-p", '{"spec":{"rollout":{"retry":1}}}')


def test_defaults_are_those_of_standalone_mode(api: ApiServer) -> None:
    for name in NAMES:
        document = _made(api, name, f"d-{name}")
        stored = api.get(document["kind"], f"d-{name}")
        ours = validate.resource(document, name).spec.model_dump(mode="json", by_alias=True, exclude_none=True)
        assert stored["spec"] == ours


def test_either_or_can_be_changed_by_apply(api: ApiServer) -> None:
    _made(api, "detector", "either", {"spec/runningPoint": {"from": "package"}})
    _made(api, "detector", "either", {"spec/runningPoint": {"threshold": 0.4}})
    assert api.get("det", "either")["spec"]["runningPoint"] == {"threshold": 0.4}
    _made(api, "detector", "either")
    assert "runningPoint" not in api.get("det", "either")["spec"]


def test_explain_teaches(api: ApiServer) -> None:
    said = " ".join(api.kubectl("explain", "detector.spec.rollout").split())
    assert "its engine is built and its gates pass before it takes any traffic" in said
    assert "How long a rollout may take, in seconds" in said
    every = api.kubectl("explain", "trainingjob.spec", "--recursive")
    assert "learning_rate" in every
    assert "<no description>" not in api.kubectl("explain", "trainingjob.status")


def test_the_columns_are_filled_from_the_status(api: ApiServer) -> None:
    _made(api, "detector", "shown")
    status = {
        "currentVersion": "1.4.0",
        "canary": {"version": "1.5.0", "digest": _DIGEST, "percent": 10, "startedAt": _NOW},
        "runningPoint": {"threshold": 0.41, "source": "package"},
        "engine": {"key": "k", "backend": "tensorrt", "precision": "fp16"},
        "replicas": {"desired": 3, "ready": 2},
        "conditions": [
            {"type": "Ready", "status": "True", "reason": "Serving", "message": "Two pods.", "lastTransitionTime": _NOW}
        ],
    }
    _set_status(api, "det", "shown", status)
    head, row = api.kubectl("get", "det", "shown").splitlines()
    assert head.split() == ["NAME", "READY", "VERSION", "CANARY", "RUNNINGPOINT", "ENGINE", "REPLICAS", "AGE"]
    assert row.split()[:-1] == ["shown", "True", "1.4.0", "1.5.0", "0.41", "tensorrt", "2"]
    api.kubectl("wait", "--for=condition=Ready", "det/shown", "--timeout=10s")
    assert "shown" in api.kubectl("get", "vedette")


def test_the_columns_of_a_training(api: ApiServer) -> None:
    _made(api, "trainingjob", "shown")
    trainer = {
        "progressPercentage": 62,
        "estimatedRemainingSeconds": 840,
        "metrics": [{"name": "f1", "value": 0.71}],
        "lastUpdatedTime": _NOW,
    }
    _set_status(api, "tj", "shown", {"state": "Running", "trainerStatus": trainer})
    head, row = api.kubectl("get", "tj", "shown").splitlines()
    assert head.split() == ["NAME", "STATE", "PROGRESS", "ETA", "METRIC", "AGE"]
    assert row.split()[:-1] == ["shown", "Running", "62", "840", "0.71"]


def test_a_status_that_says_too_much_is_refused(api: ApiServer) -> None:
    _made(api, "detector", "status")
    with pytest.raises(KubectlError, match=r"status.state|supported values"):
        _set_status(api, "tj", _made(api, "trainingjob", "status")["metadata"]["name"], {"state": "Perhaps"})


def test_a_user_cannot_write_the_status_with_the_spec(api: ApiServer) -> None:
    _made(api, "detector", "plain", {"status": {"currentVersion": "9.9.9"}})
    assert "status" not in api.get("det", "plain")


def test_scale_sets_the_fewest_pods_and_zero_gives_them_back_to_the_queue(api: ApiServer) -> None:
    _made(api, "detector", "scaled", {"spec/scaling": {"maxReplicas": 4}})
    _set_status(
        api, "det", "scaled", {"replicas": {"desired": 1, "ready": 1}, "selector": "vedette.io/detector=scaled"}
    )
    api.kubectl("scale", "det/scaled", "--replicas=2")
    assert api.get("det", "scaled")["spec"]["scaling"]["minReplicas"] == 2
    scale = json.loads(api.kubectl("get", "det", "scaled", "--subresource=scale", "-o", "json"))
    assert scale["status"] == {"replicas": 1, "selector": "vedette.io/detector=scaled"}
    with pytest.raises(KubectlError, match="lower it or raise maxReplicas"):
        api.kubectl("scale", "det/scaled", "--replicas=9")
    api.kubectl("scale", "det/scaled", "--replicas=0")
    assert api.get("det", "scaled")["spec"]["scaling"]["minReplicas"] == 0


def _set_status(api: ApiServer, kind: str, name: str, status: dict[str, Any]) -> None:
    api.kubectl("patch", kind, name, "--subresource=status", "--type=merge", "-p", json.dumps({"status": status}))


_NOW = "2026-11-01T12:00:00Z"
_DIGEST: str = example("detector")["spec"]["model"]["digest"]
