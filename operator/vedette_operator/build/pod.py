"""The pod of every child: restricted by Kubernetes' own standard, with read-only root and its scratch space. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from appliance.contracts.resources.detector_spec import DetectorSpec
from appliance.contracts.resources.scheduling import Resources
from appliance.contracts.resources.training_spec import TrainingJobSpec

USER = 10001
FOLDER = "/var/lib/vedette"
SERVING_FOLDER = "/etc/vedette"
METRICS_PORT = 9090
_SCRATCH = (("/tmp", "2Gi"), (FOLDER, "20Gi"))  # noqa: S108 - an emptyDir of the pod's own


@dataclass(frozen=True)
class Surroundings:
    """What the chart tells the operator: images by digest, and the Secret with what clients need to reach the services.

    `packages_url`: where a node's cache of model packages answers; empty: pods read the object store.
    """

    inference_image: str
    training_image: str
    clients_secret: str = "vedette-clients"  # noqa: S105 - a name, not a secret
    service_account: str = "vedette-worker"
    packages_url: str = ""
    image_pull_secrets: tuple[str, ...] = ()


@dataclass(frozen=True)
class Container:
    """What runs in the pod. `scratch`: writable folders and their sizes; `serving`: the ConfigMap mounted at SERVING_FOLDER.

    `probed`: it answers /healthz, /readyz and /metrics on METRICS_PORT, and knows its pod's name.
    """

    name: str
    image: str
    command: tuple[str, ...]
    environment: dict[str, str] = field(default_factory=dict)
    scratch: tuple[tuple[str, str], ...] = _SCRATCH
    serving: str = ""
    probed: bool = False


def pod(
    container: Container, spec: DetectorSpec | TrainingJobSpec, resources: Resources, here: Surroundings
) -> dict[str, Any]:
    """A pod spec that the *restricted* pod security standard admits."""
    written: dict[str, Any] = {
        "serviceAccountName": here.service_account,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": USER,
            "runAsGroup": USER,
            "fsGroup": USER,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [_container(container, resources, here)],
        "volumes": [volume for volume, _ in _volumes(container)],
    }
    secrets = [{"name": name} for name in here.image_pull_secrets]
    optional = {
        "nodeSelector": spec.node_selector,
        "tolerations": [_dumped(each) for each in spec.tolerations],
        "imagePullSecrets": secrets + [_dumped(each) for each in spec.image_pull_secrets],
    }
    return written | {name: value for name, value in optional.items() if value}


def _container(container: Container, resources: Resources, here: Surroundings) -> dict[str, Any]:
    written = {
        "name": container.name,
        "image": container.image,
        "command": list(container.command),
        "env": _environment(container),
        "envFrom": [{"secretRef": {"name": here.clients_secret}}],
        "resources": _dumped(resources),
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [mount for _, mount in _volumes(container)],
    }
    return written | (_probes() if container.probed else {})


def _environment(container: Container) -> list[dict[str, Any]]:
    # What engines remember is large: not the small /tmp that images name.
    every = {"XDG_CACHE_HOME": f"{FOLDER}/cache"}
    written: list[dict[str, Any]] = [
        {"name": name, "value": value} for name, value in sorted((every | container.environment).items())
    ]
    if container.probed:
        written.append({"name": "VEDETTE_WORK_NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}})
    return written


def _volumes(container: Container) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """(volume, its mount)."""
    found: list[tuple[dict[str, Any], dict[str, Any]]] = [
        (
            {"name": f"scratch-{number}", "emptyDir": {"sizeLimit": size}},
            {"name": f"scratch-{number}", "mountPath": path},
        )
        for number, (path, size) in enumerate(container.scratch)
    ]
    if container.serving:
        volume = {"name": "serving", "configMap": {"name": container.serving}}
        found.append((volume, {"name": "serving", "mountPath": SERVING_FOLDER, "readOnly": True}))
    return found


def _probes() -> dict[str, Any]:
    """Generous: a worker that decodes a large scene answers late. A model may take two minutes to load."""
    alive = {"httpGet": {"path": "/healthz", "port": "metrics"}, "timeoutSeconds": 5}
    return {
        "ports": [{"name": "metrics", "containerPort": METRICS_PORT}],
        "startupProbe": {**alive, "periodSeconds": 2, "failureThreshold": 60},
        "livenessProbe": {**alive, "periodSeconds": 10, "failureThreshold": 6},
        "readinessProbe": {
            "httpGet": {"path": "/readyz", "port": "metrics"},
            "timeoutSeconds": 5,
            "periodSeconds": 5,
            "failureThreshold": 3,
        },
    }


def _dumped(value: Any) -> Any:
    return value.model_dump(mode="json", by_alias=True, exclude_none=True)
