"""What spans objects: refused, warned of, or let through, by reviews as the API server sends them."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from vedette_operator.webhook.review import answer, judge, read
from vedette_operator.webhook.rules import Verdict

from appliance.contracts.errors import Code, VedetteError
from tests.contracts.wrong import changed, example

NAMESPACE = "vedette"
Manifest = dict[str, Any]


def detector(name: str = "tree-crowns", version: str = "1.4.0", **status: Any) -> Manifest:
    made: Manifest = changed(
        example("detector"),
        {"metadata/name": name, "spec/model/storageUri": f"s3://vedette/models/{name}/{version}"},
    )
    return {**made, "status": status}


def training(name: str = "osbs", state: str = "Running", **publish: Any) -> Manifest:
    made: Manifest = copy.deepcopy(example("trainingjob"))
    made["metadata"]["name"] = name
    made["spec"]["publish"] |= publish
    return {**made, "status": {"state": state}}


def review(new: Manifest | None, old: Manifest | None = None, namespace: str = NAMESPACE) -> Manifest:
    about = new or old
    assert about is not None
    operation = "DELETE" if new is None else "CREATE" if old is None else "UPDATE"
    request = {
        "uid": "0-1",
        "kind": {"group": "vedette.io", "version": "v1alpha1", "kind": about["kind"]},
        "operation": operation,
        "namespace": namespace,
        "name": about["metadata"]["name"],
        "object": new,
        "oldObject": old,
    }
    return {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request}


def judged(new: Manifest | None, *known: Manifest, old: Manifest | None = None) -> Verdict:
    return judge(read(review(new, old)), NAMESPACE, known)


def test_a_training_for_the_detector_of_its_model_passes() -> None:
    assert judged(training(), detector()) == Verdict()


def test_a_training_that_publishes_nothing_passes() -> None:
    made = training()
    del made["spec"]["publish"]
    assert judged(made, training("other")) == Verdict()


def test_a_detector_that_is_not_there_yet_is_only_warned_of() -> None:
    verdict = judged(training())
    assert not verdict.refused
    assert verdict.warnings == (
        "spec.publish.detectorRef: there is no Detector tree-crowns yet. "
        "Make it before the training ends, or the model package waits in the store.",
    )


@pytest.mark.parametrize("known", [(), (detector("boats"),)], ids=["absent", "there"])
def test_a_detector_of_another_model_is_refused(known: tuple[Manifest, ...]) -> None:
    verdict = judged(training(detectorRef={"name": "boats"}), *known)
    assert verdict.refused == (
        "spec.publish.detectorRef: Detector boats serves the model boats, and this job publishes tree-crowns. "
        "Give publish.model boats, or name the Detector tree-crowns."
    )


@pytest.mark.parametrize("state", ["Pending", "Running", "Suspended", "Complete"])
def test_one_version_is_published_once(state: str) -> None:
    verdict = judged(training("second"), training("first", state), detector())
    assert verdict.refused == (
        "spec.publish: TrainingJob first publishes tree-crowns 1.5.0 already. "
        "Give publish.version another version, or delete first."
    )


@pytest.mark.parametrize(
    "other",
    [training("first", "Failed"), training("first", version="1.6.0"), training("osbs"), training("a", model="b")],
    ids=["failed", "version", "itself", "model"],
)
def test_what_does_not_get_into_its_way_passes(other: Manifest) -> None:
    assert judged(training(), other, detector()) == Verdict()


_DIGEST = f"sha256:{'1' * 64}"
_CANARY = {"version": "1.5.0", "digest": _DIGEST, "percent": 10, "startedAt": "2026-11-28T12:00:00Z"}


@pytest.mark.parametrize(
    "serving",
    [detector(version="1.5.0"), detector(currentVersion="1.5.0"), detector(canary=_CANARY)],
    ids=["asked for", "serves", "on its way"],
)
def test_a_version_in_use_is_not_published_again(serving: Manifest) -> None:
    verdict = judged(training(), serving)
    assert verdict.refused == (
        "spec.publish.version: Detector tree-crowns serves tree-crowns 1.5.0, and a version never changes its content. "
        "Give publish.version a version that is not in use."
    )


def test_a_failed_training_is_run_again_only_while_its_version_is_free() -> None:
    old, other = training("first", "Failed"), training("second")
    new: Manifest = changed(old, {"spec/retry": 1})
    assert "TrainingJob second publishes" in judged(new, old, other, detector(), old=old).refused
    assert judged(new, old, detector(), old=old) == Verdict()


def test_any_other_change_passes() -> None:
    """Its labels, its finalizers, its end: a version in use shall not keep an object for ever."""
    old = training()
    new: Manifest = changed(old, {"spec/suspend": True})
    assert judged(new, old, training("other"), detector(currentVersion="1.5.0"), old=old) == Verdict()


def test_who_deletes_a_detector_is_told_which_trainings_wait_for_it() -> None:
    known = [training(f"t{number}", "Running", version=f"2.{number}.0") for number in range(5)]
    known += [training("done", "Complete", version="3.0.0"), training("b", model="b", detectorRef={"name": "b"})]
    verdict = judged(None, *known, detector(), old=detector())
    assert not verdict.refused
    assert verdict.warnings == (
        "TrainingJob t0 will hand its model package over to tree-crowns: the package will wait in the store.",
        "TrainingJob t1 will hand its model package over to tree-crowns: the package will wait in the store.",
        "TrainingJob t2 will hand its model package over to tree-crowns: the package will wait in the store.",
        "So will 2 more TrainingJobs.",
    )


def test_other_namespaces_are_none_of_its_business() -> None:
    asked = read(review(training(detectorRef={"name": "boats"}), namespace="elsewhere"))
    assert judge(asked, NAMESPACE, ()) == Verdict()


def test_what_cannot_be_read_is_let_through() -> None:
    """The CRD has judged it: a webhook that is older than a field shall stop nobody."""
    assert judged(changed(training(), {"spec/newer": 1}), detector()) == Verdict()
    assert judged(training(), changed(detector(currentVersion="1.5.0"), {"spec/newer": 1})).refused == ""


@pytest.mark.parametrize(
    "document",
    [None, [], {}, {"apiVersion": "admission.k8s.io/v1"}, {"apiVersion": "v1beta1", "request": {"uid": "1"}}],
)
def test_what_no_api_server_sends_is_invalid(document: Any) -> None:
    with pytest.raises(VedetteError) as refused:
        read(document)
    assert refused.value.reason.code is Code.INVALID


def test_the_answer_bears_the_uid_and_what_was_found() -> None:
    asked = read(review(training()))
    assert answer(asked, Verdict()) == {
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "response": {"uid": "0-1", "allowed": True},
    }
    told = answer(asked, Verdict("No. Do that.", ("Mind this.",)))["response"]
    assert told == {
        "uid": "0-1",
        "allowed": False,
        "status": {"code": 409, "reason": "Conflict", "message": "No. Do that."},
        "warnings": ["Mind this."],
    }
