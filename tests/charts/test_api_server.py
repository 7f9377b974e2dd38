"""A real API server takes all of it, in a namespace held to the restricted standard, and upgrades keep what was generated."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from scripts import chart_values
from tests.charts import document
from tests.charts.chart import CASES, CHART, NAMESPACE, given, helm, rendered, text
from tests.cluster_crds.api_server import ROOT, ApiServer, KubectlError


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


@dataclass(frozen=True)
class Release:
    """Of the defaults, installed on the server. Without nodes no hook would ever end: none is run."""

    server: ApiServer
    home: Path

    def helm(self, verb: str, *words: str) -> None:
        what = () if verb == "uninstall" else (str(CHART), *given("defaults"))
        arguments = ("vedette", *what, "-n", NAMESPACE, "--no-hooks", *words)
        said = helm(verb, *arguments, kubeconfig=self.server.kubeconfig, home=self.home)
        assert "would violate" not in said


@pytest.fixture
def installed(server: ApiServer, tmp_path: Path) -> Iterator[Release]:
    release = Release(server, tmp_path)
    release.helm("install")
    yield release
    release.helm("uninstall")
    server.kubectl("-n", NAMESPACE, "delete", "secrets", "--all")


def test_an_upgrade_keeps_generated_secrets_and_what_the_operator_wrote(installed: Release) -> None:
    server, certificates = installed.server, "vedette-webhook-certificates"
    first = _secrets(server)
    assert first.keys() == {f"vedette-{name}" for name in ("clients", "postgres", "objectstore", "nats")} | {
        certificates
    }
    written = {"ca.crt": base64.b64encode(b"authority").decode()}
    server.kubectl("-n", NAMESPACE, "patch", "secret", certificates, "-p", json.dumps({"data": written}))
    public = "http://10.0.0.5:30900"
    installed.helm("upgrade", "--set", f"media.replicas=2,objectStore.publicEndpoint={public}")
    second = _secrets(server)
    assert second.pop(certificates) == written
    first.pop(certificates)
    first["vedette-clients"]["VEDETTE_STORE_PUBLIC_ENDPOINT"] = base64.b64encode(public.encode()).decode()
    assert second == first


def test_secrets_that_a_removed_release_left_open_its_data_again(installed: Release) -> None:
    server = installed.server
    first = _secrets(server)
    installed.helm("uninstall")
    left = _secrets(server)
    assert left.keys() == first.keys() - {"vedette-webhook-certificates"}
    installed.helm("install")
    assert _secrets(server) == first


def test_whoever_may_view_and_edit_a_namespace_may_scale_a_detector(installed: Release) -> None:
    """The roles are bound as they are: adding them to Kubernetes' own view and edit is its controllers' work."""
    server = installed.server
    server.kubectl("wait", "--for=condition=Established", "--timeout=60s", "crd", "detectors.vedette.io")
    server.kubectl("-n", NAMESPACE, "apply", "-f", str(ROOT / "docs" / "examples" / "detector.yaml"))
    for role in ("view", "edit"):
        words = ("create", "rolebinding", role, f"--clusterrole=vedette-vedette-{role}", "--user=analyst")
        server.kubectl("-n", NAMESPACE, *words)
    server.kubectl("-n", NAMESPACE, "--as=analyst", "scale", "det/tree-crowns", "--current-replicas=0", "--replicas=1")
    found = json.loads(server.kubectl("-n", NAMESPACE, "--as=analyst", "get", "det", "tree-crowns", "-o", "json"))
    assert found["spec"]["scaling"]["minReplicas"] == 1
    with pytest.raises(KubectlError, match="forbidden"):
        server.kubectl("-n", NAMESPACE, "--as=analyst", "get", "secrets")
    server.kubectl("-n", NAMESPACE, "--as=analyst", "delete", "det", "tree-crowns")
    server.kubectl("-n", NAMESPACE, "delete", "rolebinding", "view", "edit")
