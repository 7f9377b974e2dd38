"""Volumes for the stateful parts: folders of a node, handed out by hand, as on a machine without a provisioner."""

from __future__ import annotations

from typing import Any

from tests.cluster.target import Target

STORAGE_CLASS = "local"


def provide(cluster: Target, node: str, claims: dict[str, str]) -> None:
    """One volume for each, name -> size, on this node. What lies there outlives the claim."""
    folder = cluster.layout.var(node) / "vedette"
    for name in claims:
        (folder / name).mkdir(parents=True, exist_ok=True)
    storage = {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": STORAGE_CLASS},
        "provisioner": "kubernetes.io/no-provisioner",
        "volumeBindingMode": "WaitForFirstConsumer",
    }
    cluster.kubectl.apply(storage, *(_volume(name, size, node) for name, size in claims.items()))


def _volume(name: str, size: str, node: str) -> dict[str, Any]:
    here = [{"key": "kubernetes.io/hostname", "operator": "In", "values": [node]}]
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": name},
        "spec": {
            "capacity": {"storage": size},
            "accessModes": ["ReadWriteOnce"],
            "persistentVolumeReclaimPolicy": "Retain",
            "storageClassName": STORAGE_CLASS,
            "local": {"path": f"/var/vedette/{name}"},
            "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": here}]}},
        },
    }
