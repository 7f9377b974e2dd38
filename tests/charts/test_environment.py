"""What the chart tells each process is what the process reads: every name is known to its settings, and every value is taken."""

from __future__ import annotations

import base64

import pytest
from pydantic_settings import BaseSettings
from vedette_operator.settings import OperatorSettings
from vedette_operator.webhook.settings import WebhookSettings

from appliance.api.settings import ApiSettings
from appliance.clients.settings import DatabaseSettings, MessagingSettings, StoreSettings, WorkSettings
from appliance.inference.model_cache import ModelCacheSettings
from tests.charts.chart import Rendered, rendered

_CLIENTS: tuple[type[BaseSettings], ...] = (StoreSettings, MessagingSettings)
_READ: dict[str, tuple[type[BaseSettings], ...]] = {
    "api": (ApiSettings, DatabaseSettings, *_CLIENTS),
    "media": (WorkSettings, *_CLIENTS),
    "operator": (OperatorSettings, WebhookSettings, *_CLIENTS),
    "model-cache": (ModelCacheSettings, WorkSettings, *_CLIENTS),
}


def _told(release: Rendered, part: str) -> dict[str, str]:
    """The environment of the container, with a word for what only a running pod knows."""
    (pod,) = (each for each in release.pods if each.part == part)
    (container,) = pod.spec["containers"]
    found = {each["name"]: each.get("value", "of-the-pod") for each in container["env"]}
    for each in container["envFrom"]:
        secrets = (one for one in release.of("Secret") if one["metadata"]["name"] == each["secretRef"]["name"])
        for secret in secrets:
            found |= {key: base64.b64decode(value).decode() for key, value in secret["data"].items()}
    return {name: value for name, value in found.items() if name.startswith("VEDETTE_")}


def _names(settings: type[BaseSettings]) -> set[str]:
    return {f"{settings.model_config['env_prefix']}{field}".upper() for field in settings.model_fields}


@pytest.mark.parametrize("part", _READ)
@pytest.mark.parametrize("case", ["defaults", "ingress", "one-node", "seaweedfs"])
def test_a_process_reads_what_it_is_told(case: str, part: str, monkeypatch: pytest.MonkeyPatch) -> None:
    told = _told(rendered(case), part)
    assert told.keys() <= set().union(*(_names(each) for each in _READ[part]))
    for name, value in told.items():
        monkeypatch.setenv(name, value)
    for each in _READ[part]:
        each()


def _operator(case: str, monkeypatch: pytest.MonkeyPatch) -> OperatorSettings:
    for name, value in _told(rendered(case), "operator").items():
        monkeypatch.setenv(name, value)
    return OperatorSettings()


def test_pods_of_detectors_pull_with_the_secrets_of_the_values(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _operator("defaults", monkeypatch).surroundings.image_pull_secrets == ()
    assert _operator("one-node", monkeypatch).surroundings.image_pull_secrets == ("registry",)


def test_the_operator_is_told_of_the_release(monkeypatch: pytest.MonkeyPatch) -> None:
    release = rendered("defaults")
    here = _operator("defaults", monkeypatch).surroundings
    assert here.clients_secret in {each["metadata"]["name"] for each in release.of("Secret")}
    assert here.service_account in {each["metadata"]["name"] for each in release.of("ServiceAccount")}
    (service,) = (each for each in release.of("Service") if "model-cache" in each["metadata"]["name"])
    assert here.packages_url == f"http://{service['metadata']['name']}:{service['spec']['ports'][0]['port']}"
    webhook = WebhookSettings()
    (configuration,) = release.of("ValidatingWebhookConfiguration")
    assert webhook.configuration == configuration["metadata"]["name"]
    assert webhook.service == configuration["webhooks"][0]["clientConfig"]["service"]["name"]
