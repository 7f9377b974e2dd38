"""Secrets stand in Secrets and nowhere else, none has a default, and a site can bring each of its own."""

from __future__ import annotations

import base64
import json

import pytest

from tests.charts.chart import HelmError, Rendered, given, once, rendered, text

_SETTINGS = {
    "VEDETTE_STORE_ENDPOINT",
    "VEDETTE_STORE_PUBLIC_ENDPOINT",
    "VEDETTE_STORE_BUCKET",
    "VEDETTE_STORE_REGION",
    "VEDETTE_NATS_URL",
    "VEDETTE_NATS_USER",
}


def _secrets(release: Rendered) -> dict[str, dict[str, str]]:
    found = {}
    for each in release.of("Secret"):
        data = {key: base64.b64decode(value).decode() for key, value in each.get("data", {}).items()}
        assert "stringData" not in each
        found[each["metadata"]["name"]] = data
    return found


def test_no_secret_stands_outside_of_a_secret(release: Rendered) -> None:
    values = [value for data in _secrets(release).values() for key, value in data.items() if key not in _SETTINGS]
    others = json.dumps([each for each in release.manifests if each["kind"] != "Secret"])
    assert all(len(value) >= 20 for value in values)
    assert not [value for value in values if value in others or base64.b64encode(value.encode()).decode() in others]
    for pod in release.pods:
        for container in pod.containers:
            for each in container.get("env", []):
                secret = any(word in each["name"] for word in ("PASSWORD", "SECRET_KEY", "ACCESS_KEY", "ROOT_USER"))
                assert not secret or "secretKeyRef" in each["valueFrom"], each["name"]


def test_nothing_is_the_same_in_two_releases() -> None:
    first, second = (_secrets(once("defaults")) for _ in range(2))
    assert first.keys() == second.keys()
    for name, data in first.items():
        for key in data.keys() - _SETTINGS:
            assert data[key] != second[name][key], (name, key)


def test_what_a_site_brings_is_not_made(release: Rendered) -> None:
    made = {
        "defaults": {"clients", "postgres", "objectstore", "nats", "webhook-certificates"},
        "external": {"nats", "webhook-certificates"},
        "without-webhook": {"clients", "postgres", "objectstore", "nats"},
        "own-secrets": {"webhook-certificates"},
        "own-secrets-seaweedfs": {"postgres", "nats", "webhook-certificates"},
        "least": {"clients", "postgres", "objectstore", "nats"},
    }
    wanted = made.get(release.case, made["defaults"])
    assert _secrets(release).keys() == {f"vedette-{name}" for name in wanted}


def test_every_secret_that_a_pod_reads_is_made_or_the_sites(release: Rendered) -> None:
    known = {name: set(data) for name, data in _secrets(release).items()}
    for pod in release.pods:
        for container in pod.containers:
            read = [
                each["valueFrom"]["secretKeyRef"] for each in container.get("env", []) if "secretKeyRef" in str(each)
            ]
            read += [{"name": each["secretRef"]["name"], "key": ""} for each in container.get("envFrom", [])]
            for each in read:
                assert each["name"].startswith("site-") or each["name"] in known, (pod.part, each)
                assert each["name"] not in known or not each["key"] or each["key"] in known[each["name"]], each


def test_the_secrets_of_a_site_are_read_under_its_own_keys() -> None:
    release = rendered("own-secrets")
    read = {
        (ref["name"], ref["key"])
        for pod in release.pods
        for container in pod.containers
        for each in container.get("env", [])
        if (ref := each.get("valueFrom", {}).get("secretKeyRef"))
    }
    assert {("site-postgres", "role"), ("site-store", "user"), ("site-store", "password")} <= read
    assert {("site-nats", "watcher"), ("site-clients", "VEDETTE_NATS_PASSWORD")} <= read
    (postgres,) = (pod for pod in release.pods if pod.part == "postgres")
    (volume,) = (each["secret"] for each in postgres.spec["volumes"] if "secret" in each)
    assert (volume["secretName"], [each["key"] for each in volume["items"]]) == ("site-postgres", ["root", "role"])


def test_generated_secrets_outlive_the_release(release: Rendered) -> None:
    for each in release.of("Secret"):
        if "webhook" not in each["metadata"]["name"]:
            assert each["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep"


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ("objectStore.kind=external", "secrets.clients.existingSecret"),
        ("postgres.kind=external", "postgres.external.existingSecret"),
        ("objectStore.kind=seaweedfs,secrets.clients.existingSecret=site", "secrets.objectStore.existingSecret"),
        ("api.ingress.enabled=true", "api.ingress.host"),
        ("operator.enabled=false", "operator.webhook.enabled is true"),
        ("modelCache.size=1Ti", "raise modelCache.resources.limits.ephemeral-storage"),
        ("images.api.digest=", "images.api.digest is empty"),
    ],
)
def test_values_that_do_not_go_together_are_refused_with_what_to_do(values: str, said: str) -> None:
    with pytest.raises(HelmError, match=said.replace(".", r"\.")):
        text(*given("defaults"), "--set", values)
