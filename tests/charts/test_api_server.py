"""A real API server takes all of it, in a namespace held to the restricted standard, and upgrades keep what was generated."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from scripts import chart_values
from tests.charts import document
from tests.charts.chart import CASES, CHART, NAMESPACE, given, helm, rendered, text
from tests.cluster_crds.api_server import ApiServer, KubectlError


@pytest.mark.parametrize("case", CASES)
def test_everything_is_taken_without_a_warning(server: ApiServer, case: str, tmp_path: Path) -> None:
    file = tmp_path / "release.yaml"
    file.write_text(text(*given(case)))
    said = server.said("-n", NAMESPACE, "apply", "--dry-run=server", "-f", str(file))
    lines = said.splitlines()
    assert [line for line in lines if not line.endswith("(server dry run)")] == []
    assert len(lines) == file.read_text().count("\nkind: ")


def test_the_namespace_does_refuse_what_is_not_restricted(server: ApiServer) -> None:
    container = {"name": "root", "image": "vedette.io/api"}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "root"}, "spec": {"containers": [container]}}
    with pytest.raises(KubectlError, match="violates PodSecurity"):
        server.kubectl("-n", NAMESPACE, "apply", "--dry-run=server", "-f", "-", given=pod)


def test_a_volume_made_by_hand_as_the_document_says_is_for_the_claim_of_the_chart(server: ApiServer) -> None:
    (volume,) = (each for each in document.shown() if "apiVersion" in each)
    assert "created" in server.said("apply", "--dry-run=server", "-f", "-", given=volume)
    claims = {
        f"{claim['metadata']['name']}-{owner['metadata']['name']}-0"
        for owner in rendered("defaults").of("StatefulSet")
        for claim in owner["spec"]["volumeClaimTemplates"]
    }
    assert volume["spec"]["claimRef"] == {"namespace": NAMESPACE, "name": "data-vedette-postgres-0"}
    assert claims == {f"data-vedette-{part}-0" for part in ("nats", "postgres", "objectstore")}
    assert all(claim in chart_values.DOCUMENT.read_text() for claim in claims)


def _secrets(server: ApiServer) -> dict[str, Any]:
    found = server.get("-n", NAMESPACE, "secrets", "-l", "app.kubernetes.io/instance=vedette")["items"]
    return {each["metadata"]["name"]: each.get("data", {}) for each in found}


def test_an_upgrade_keeps_generated_secrets_and_what_the_operator_wrote(server: ApiServer, tmp_path: Path) -> None:
    def run(*words: str) -> None:
        # Without nodes no hook would ever end.
        arguments = ("vedette", str(CHART), "-n", NAMESPACE, "--no-hooks", *given("defaults"))
        said = helm(words[0], *arguments, *words[1:], kubeconfig=server.kubeconfig, home=tmp_path)
        assert "would violate" not in said

    run("install")
    first = _secrets(server)
    assert first.keys() == {
        f"vedette-{n}" for n in ("clients", "postgres", "objectstore", "nats", "webhook-certificates")
    }
    written = {"ca.crt": base64.b64encode(b"authority").decode()}
    server.kubectl(
        "-n", NAMESPACE, "patch", "secret", "vedette-webhook-certificates", "-p", json.dumps({"data": written})
    )
    run("upgrade", "--set", "media.replicas=2", "--set", "objectStore.publicEndpoint=http://10.0.0.5:30900")
    second = _secrets(server)
    public = base64.b64encode(b"http://10.0.0.5:30900").decode()
    assert second.pop("vedette-webhook-certificates") == written
    first.pop("vedette-webhook-certificates")
    first["vedette-clients"]["VEDETTE_STORE_PUBLIC_ENDPOINT"] = public
    assert second == first
    # Removed and installed again beside data that is still there, they still open it.
    helm("uninstall", "vedette", "-n", NAMESPACE, "--no-hooks", kubeconfig=server.kubeconfig, home=tmp_path)
    assert _secrets(server).keys() == first.keys()
    run("install", "--set", "objectStore.publicEndpoint=http://10.0.0.5:30900")
    third = _secrets(server)
    third.pop("vedette-webhook-certificates")
    assert third == first
