"""Who may do what: the operator and the API what they ask for, everybody else nothing."""

from __future__ import annotations

from typing import Any

from tests.charts.chart import Rendered, rendered

_CUSTOM = ("detectors", "trainingjobs")
_READ, _FOLLOW = ("get", "list", "watch"), ("list", "watch")
_WRITE = ("create", "patch", "delete")
_API = {("vedette.io", each, ""): {*_READ, *_WRITE} for each in _CUSTOM}
# operator/vedette_operator: handlers/watch.py and audit.py follow, kube.py writes, lease.py leads, webhook/keeper.py renews.
_OPERATOR = {
    ("vedette.io", "detectors", ""): {*_FOLLOW, "patch"},
    ("vedette.io", "trainingjobs", ""): {*_FOLLOW, "delete"},
    ("vedette.io", "detectors/status", ""): {"patch"},
    ("vedette.io", "trainingjobs/status", ""): {"patch"},
    ("vedette.io", "detectors/finalizers", ""): {"update"},
    ("vedette.io", "trainingjobs/finalizers", ""): {"update"},
    ("apps", "deployments", ""): {*_READ, *_WRITE},
    ("batch", "jobs", ""): {*_READ, *_WRITE},
    ("", "configmaps", ""): {*_READ, *_WRITE},
    ("", "services", ""): {"get", *_WRITE},
    ("", "pods", ""): {*_FOLLOW},
    ("events.k8s.io", "events", ""): {"create"},
    ("coordination.k8s.io", "leases", ""): {*_FOLLOW, "create"},
    ("coordination.k8s.io", "leases", "vedette-operator"): {"get", "patch"},
}
_SECRET = {("", "secrets", "vedette-webhook-certificates"): {"get", "patch"}}
_CONFIGURATION = {
    ("admissionregistration.k8s.io", "validatingwebhookconfigurations", "vedette-vedette"): {"get", "patch"}
}


def _rights(release: Rendered, kind: str) -> dict[str, dict[tuple[str, str, str], set[str]]]:
    """By ServiceAccount: what its bindings of that kind give it."""
    roles = {each["metadata"]["name"]: each["rules"] for each in release.of(kind)}
    found: dict[str, Any] = {}
    for binding in release.of(f"{kind}Binding"):
        assert binding["roleRef"]["kind"] == kind
        for subject in binding["subjects"]:
            own = found.setdefault(subject["name"], {})
            for rule in roles[binding["roleRef"]["name"]]:
                for group, resource in ((group, each) for group in rule["apiGroups"] for each in rule["resources"]):
                    for name in rule.get("resourceNames", [""]):
                        own.setdefault((group, resource, name), set()).update(rule["verbs"])
    return found


def test_the_operator_and_the_api_may_do_what_they_do() -> None:
    release = rendered("defaults")
    assert _rights(release, "Role") == {"vedette-api": _API, "vedette-operator": _OPERATOR | _SECRET}
    assert _rights(release, "ClusterRole") == {"vedette-operator": _CONFIGURATION}


def test_without_a_webhook_the_operator_reads_no_secret_and_nothing_of_the_cluster() -> None:
    release = rendered("without-webhook")
    assert _rights(release, "Role") == {"vedette-api": _API, "vedette-operator": _OPERATOR}
    assert _rights(release, "ClusterRole") == {}
    assert not release.of("ValidatingWebhookConfiguration")


def test_without_an_operator_the_api_alone_has_rights() -> None:
    assert _rights(rendered("least"), "Role") == {"vedette-api": _API}


def test_nobody_may_do_everything(release: Rendered) -> None:
    for role in release.of("Role", "ClusterRole"):
        for rule in role["rules"]:
            assert "*" not in rule["verbs"] + rule["resources"] + rule["apiGroups"], role["metadata"]["name"]


def test_the_webhook_is_asked_only_of_its_own_namespace_and_blocks_nobody() -> None:
    (configuration,) = rendered("defaults").of("ValidatingWebhookConfiguration")
    (webhook,) = configuration["webhooks"]
    assert webhook["failurePolicy"] == "Ignore"
    assert webhook["sideEffects"] == "None"
    assert webhook["timeoutSeconds"] == 5
    assert webhook["namespaceSelector"] == {"matchLabels": {"kubernetes.io/metadata.name": "vedette"}}
    rules = [(*rule["resources"], *rule["operations"]) for rule in webhook["rules"]]
    assert rules == [("trainingjobs", "CREATE", "UPDATE"), ("detectors", "DELETE")]
    # An upgrade must not take away the authority that the operator wrote.
    assert "caBundle" not in webhook["clientConfig"]
