"""What every pod of a release is and may do, whatever the values."""

from __future__ import annotations

import re

from tests.charts.chart import Rendered, rendered, selects

_BY_DIGEST = re.compile(r"(registry\.site\.example:5000/)?vedette\.io/[a-z]+@sha256:[0-9a-f]{64}")
_ENDS_BY_ITSELF = {"migrations", "store-user", "test"}


def test_images_are_named_by_digest(release: Rendered) -> None:
    for pod in release.pods:
        for container in pod.containers:
            assert _BY_DIGEST.fullmatch(container["image"]), container["image"]
    for pod in release.pods:
        for each in pod.spec["containers"][0].get("env", []):
            if each["name"].endswith("_IMAGE"):
                assert _BY_DIGEST.fullmatch(each["value"]), each


def test_a_registry_stands_before_every_image() -> None:
    for pod in rendered("one-node").pods:
        assert all(each["image"].startswith("registry.site.example:5000/") for each in pod.containers)
        assert pod.spec["imagePullSecrets"] == [{"name": "registry"}]


def test_nobody_is_root_or_writes_to_the_image(release: Rendered) -> None:
    for pod in release.pods:
        security = pod.spec["securityContext"]
        assert security["runAsNonRoot"] is True
        assert security["seccompProfile"] == {"type": "RuntimeDefault"}
        assert not {"hostNetwork", "hostPID", "hostIPC"} & pod.spec.keys()
        assert not any("hostPath" in volume for volume in pod.spec.get("volumes", []))
        for container in pod.containers:
            own = container["securityContext"]
            assert own["readOnlyRootFilesystem"] is True
            assert own["allowPrivilegeEscalation"] is False
            assert own["runAsNonRoot"] is True
            assert own["runAsUser"] >= 10000
            assert own["runAsGroup"] >= 10000
            assert own["capabilities"] == {"drop": ["ALL"]}
            assert not own.get("privileged")


def test_every_container_asks_for_what_it_needs_and_has_a_limit(release: Rendered) -> None:
    for pod in release.pods:
        for container in pod.containers:
            for which in ("requests", "limits"):
                assert container["resources"][which].keys() == {"cpu", "memory", "ephemeral-storage"}, pod.part


def test_whoever_serves_is_probed(release: Rendered) -> None:
    for pod in release.pods:
        ports = {each["name"] for each in pod.spec["containers"][0].get("ports", [])}
        assert bool(ports) != (pod.part in _ENDS_BY_ITSELF), pod.part
        for name in ("startupProbe", "livenessProbe", "readinessProbe"):
            probe = pod.spec["containers"][0].get(name)
            assert (probe is None) == (pod.part in _ENDS_BY_ITSELF), (pod.part, name)
            asked = (probe or {}).get("httpGet") or (probe or {}).get("tcpSocket")
            assert asked is None or asked["port"] in ports


def test_every_mount_has_its_volume(release: Rendered) -> None:
    for pod in release.pods:
        claims = {each["metadata"]["name"] for each in pod.owner["spec"].get("volumeClaimTemplates", [])}
        volumes = {each["name"] for each in pod.spec["volumes"]} | claims
        used = {mount["name"] for each in pod.containers for mount in each["volumeMounts"]}
        assert used == volumes, pod.part


def test_only_who_speaks_to_kubernetes_has_a_token(release: Rendered) -> None:
    accounts = {each["metadata"]["name"] for each in release.of("ServiceAccount")}
    for pod in release.pods:
        assert pod.spec["automountServiceAccountToken"] is (pod.part in {"api", "operator", "test"})
        assert pod.spec["serviceAccountName"] in accounts


def test_selectors_find_the_pods_of_their_own_part_and_no_other(release: Rendered) -> None:
    for owner in release.of("Deployment", "StatefulSet", "DaemonSet", "Service", "PodDisruptionBudget"):
        selector = owner["spec"]["selector"]
        wanted = {"matchLabels": selector} if owner["kind"] == "Service" else selector
        found = {pod.part for pod in release.pods if selects(wanted, pod.labels)}
        assert found == {owner["metadata"]["labels"]["app.kubernetes.io/component"]}, owner["metadata"]["name"]


def test_services_lead_to_ports_that_there_are(release: Rendered) -> None:
    for service in release.of("Service"):
        pods = [pod for pod in release.pods if selects({"matchLabels": service["spec"]["selector"]}, pod.labels)]
        ports = {port["name"] for pod in pods for port in pod.spec["containers"][0].get("ports", [])}
        assert {port["targetPort"] for port in service["spec"]["ports"]} <= ports


def test_a_drain_takes_one_of_a_part_at_a_time(release: Rendered) -> None:
    budgets = {each["metadata"]["labels"]["app.kubernetes.io/component"] for each in release.of("PodDisruptionBudget")}
    assert all(each["spec"]["maxUnavailable"] == 1 for each in release.of("PodDisruptionBudget"))
    # A drain leaves DaemonSets alone.
    lasting = {pod.part for pod in release.pods if pod.owner["kind"] in ("Deployment", "StatefulSet")}
    assert budgets == lasting


def test_the_model_cache_stays_below_its_disk() -> None:
    found = {}
    for case in ("defaults", "one-node"):
        (pod,) = (each for each in rendered(case).pods if each.part == "model-cache")
        environment = {each["name"]: each.get("value") for each in pod.spec["containers"][0]["env"]}
        found[case] = int(environment["VEDETTE_MODEL_CACHE_MAXIMUM_BYTES"])
        assert environment["VEDETTE_WORK_METRICS_HOST"] == "0.0.0.0"
    assert found == {"defaults": 16 << 30, "one-node": 80 * 10**9}


def test_pods_start_anew_when_the_address_of_the_store_changes() -> None:
    told = "vedette.io/clients"
    for before, after in zip(rendered("defaults").pods, rendered("ingress").pods, strict=True):
        assert before.part == after.part
        notes = [
            pod.owner["spec"].get("template", {}).get("metadata", {}).get("annotations", {}) for pod in (before, after)
        ]
        reads = before.part in {"api", "media", "operator", "model-cache"}
        assert (told in notes[0]) is reads
        assert (notes[0].get(told) != notes[1].get(told)) is reads
