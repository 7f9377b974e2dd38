"""The children of a Detector, whole, as golden YAML; and what must hold for every pod."""

from __future__ import annotations

from vedette_operator.build import detector as build
from vedette_operator.build import serving as build_serving
from vedette_operator.build.manifest import APPLIED, QUEUE_LABEL, Manifest, digest

from appliance.contracts.serving import Serving
from tests.operator_build import golden_file
from tests.operator_reconcile.world import HERE, detector, package

_SERVING = Serving(threshold=0.41, overlap=0.5)
_RESTRICTED = {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}


def _package(number: int) -> tuple[str, str]:
    changes = package(number)
    return changes["spec/model/digest"], changes["spec/model/storageUri"]


def _all() -> list[Manifest]:
    made = detector()
    return [
        build.deployment(made, _package(1), 2, HERE, build_serving.name(made, _SERVING)),
        build.engine_job(made, _package(1), HERE),
        build.gate_job(made, build.Measured(*_package(2), _SERVING), build.Measured(*_package(1)), HERE),
        build_serving.config_map(made, _SERVING),
    ]


def test_the_children_are_those_of_the_golden_file() -> None:
    golden_file.check("detector", *_all())


def test_every_pod_is_restricted() -> None:
    """As https://kubernetes.io/docs/concepts/security/pod-security-standards asks under *restricted*."""
    for manifest in _all()[:3]:
        pod = manifest["spec"]["template"]["spec"]
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert pod["automountServiceAccountToken"] is False
        assert all(container["securityContext"] == _RESTRICTED for container in pod["containers"])


def test_every_child_goes_with_its_owner_and_honours_its_queue() -> None:
    for manifest in _all():
        owner = manifest["metadata"]["ownerReferences"][0]
        assert (owner["kind"], owner["name"], owner["uid"]) == ("Detector", "harbour-ships", "b4e5")
        assert manifest["metadata"]["labels"][QUEUE_LABEL] == "vision"


def test_a_digest_is_of_the_manifest_and_not_of_itself() -> None:
    once, twice = _all()[0], build.deployment(detector(), _package(1), 3, HERE)
    assert once["metadata"]["annotations"][APPLIED] == digest(once)
    assert digest(once) != digest(twice)


def test_names_fit_a_label() -> None:
    made = detector(metadata__name="a" * 43, spec__model__storageUri=f"s3://vedette/models/{'a' * 43}/1.0.0")
    names = [
        build.deployment_name(made, _package(1)[0]),
        build.engine_job_name(made, _package(1)[0]),
        build.gate_job_name(made, _package(1)[0], _SERVING),
    ]
    assert max(map(len, names)) <= 63 - len("-xxxxx")
