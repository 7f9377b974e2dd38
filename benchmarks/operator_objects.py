"""What the operator's benchmark makes: nodes with cards, Detectors, TrainingJobs, and the peer's Deployments. Pure manifests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Manifest = dict[str, Any]
NAMESPACE = "vedette"
PEER_NAMESPACE = "peer"
VERSION = "1.0.0"
_CARDS = 4
_GPU = "nvidia.com/gpu"


@dataclass(frozen=True)
class Size:
    """How many of each."""

    nodes: int
    detectors: int
    trainings: int

    @property
    def objects(self) -> int:
        return self.detectors + self.trainings


def size(detectors: int) -> Size:
    """In the proportions of the goal: 500 nodes, 1,000 Detectors, 200 TrainingJobs."""
    return Size(max(1, detectors // 2), detectors, max(1, detectors // 5))


def name(number: int) -> str:
    """Of a Detector, and so of its model."""
    return f"model-{number:04d}"


def nodes(count: int) -> list[Manifest]:
    """With four cards each: half as many nodes as Detectors have room for all pods, and for the Jobs before them."""
    has = {"cpu": "64", "memory": "512Gi", "pods": "110", _GPU: str(_CARDS)}
    return [
        {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {"name": f"gpu-{number:03d}", "labels": {"type": "kwok", "vedette.io/gpu": "present"}},
            "status": {"capacity": has, "allocatable": has},
        }
        for number in range(count)
    ]


def detectors(digests: list[str]) -> list[Manifest]:
    """One for each digest of a package, with a card each, so that each wants an engine built first."""
    return [
        _resource(
            "Detector",
            name(number),
            {
                "model": {"storageUri": f"s3://vedette/models/{name(number)}/{VERSION}", "digest": digest},
                "scaling": {"minReplicas": 1, "maxReplicas": 4},
                "resources": {"limits": {_GPU: 1}},
            },
        )
        for number, digest in enumerate(digests)
    ]


def trainings(count: int, snapshots: tuple[str, str]) -> list[Manifest]:
    """Each on one card, on the same two snapshots (training, validation)."""
    return [
        _resource(
            "TrainingJob",
            f"training-{number:04d}",
            {
                "dataset": {"train": snapshots[0], "validation": snapshots[1]},
                "configuration": {"inline": {"licence": "Apache-2.0", "epochs": 1}},
                "resourcesPerNode": {"limits": {_GPU: 1}},
            },
        )
        for number in range(count)
    ]


def deployments(count: int) -> list[Manifest]:
    """The peer's: each with a pod, as each Detector has one in the end."""
    found = []
    for number in range(count):
        labels = {"app": name(number)}
        pod = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "one", "image": "none:1"}]}}
        found.append(
            {
                "apiVersion": "apps/v1",
                "kind": "Deployment",
                "metadata": {"name": name(number), "namespace": PEER_NAMESPACE},
                "spec": {"replicas": 1, "selector": {"matchLabels": labels}, "template": pod},
            }
        )
    return found


def _resource(kind: str, name: str, spec: Manifest) -> Manifest:
    metadata = {"name": name, "namespace": NAMESPACE}
    return {"apiVersion": "vedette.io/v1alpha1", "kind": kind, "metadata": metadata, "spec": spec}
