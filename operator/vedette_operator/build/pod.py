"""The pod of every child: restricted by Kubernetes' own standard, with read-only root and its scratch space. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from appliance.contracts.resources.detector_spec import DetectorSpec
from appliance.contracts.resources.scheduling import Resources
from appliance.contracts.resources.training_spec import TrainingJobSpec

USER = 10001


@dataclass(frozen=True)
class Surroundings:
    """What the chart tells the operator: images by digest, and the Secret with what clients need to reach the services."""

    inference_image: str
    training_image: str
    clients_secret: str = "vedette-clients"  # noqa: S105 - a name, not a secret
    service_account: str = "vedette-worker"


@dataclass(frozen=True)
class Container:
    """What runs in the pod. `scratch`: writable folders."""

    name: str
    image: str
    command: tuple[str, ...]
    environment: dict[str, str] = field(default_factory=dict)
    scratch: tuple[str, ...] = ("/tmp", "/var/lib/vedette")  # noqa: S108 - an emptyDir of the pod's own


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
        "volumes": [{"name": f"scratch-{number}", "emptyDir": {}} for number in range(len(container.scratch))],
    }
    optional = {
        "nodeSelector": spec.node_selector,
        "tolerations": [_dumped(each) for each in spec.tolerations],
        "imagePullSecrets": [_dumped(each) for each in spec.image_pull_secrets],
    }
    return written | {name: value for name, value in optional.items() if value}


def _container(container: Container, resources: Resources, here: Surroundings) -> dict[str, Any]:
    return {
        "name": container.name,
        "image": container.image,
        "command": list(container.command),
        "env": [{"name": name, "value": value} for name, value in sorted(container.environment.items())],
        "envFrom": [{"secretRef": {"name": here.clients_secret}}],
        "resources": _dumped(resources),
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [
            {"name": f"scratch-{number}", "mountPath": path} for number, path in enumerate(container.scratch)
        ],
    }


def _dumped(value: Any) -> Any:
    return value.model_dump(mode="json", by_alias=True, exclude_none=True)
