"""Detectors as people write them, of the demo's model. Pure."""

from __future__ import annotations

from typing import Any

GPU = {"limits": {"nvidia.com/gpu": 1, "memory": "2Gi"}, "requests": {"cpu": "100m", "memory": "512Mi"}}


def serving(version: str, digest: str, **spec: Any) -> dict[str, Any]:
    """One pod on a node with a card, that runs on new items of `survey`."""
    return {
        "apiVersion": "vedette.io/v1alpha1",
        "kind": "Detector",
        "metadata": {"name": "tree-crowns"},
        "spec": {
            "model": {"storageUri": f"s3://vedette/models/tree-crowns/{version}", "digest": digest},
            "runtime": {"backend": "onnxruntime", "precision": "fp32"},
            "scaling": {"minReplicas": 1, "maxReplicas": 1},
            "resources": GPU,
            **spec,
        },
    }


def gated(version: str, digest: str, snapshot: str, **rollout: Any) -> dict[str, Any]:
    """It may not be worse than the one that serves by more than 0.02 of F1 on the snapshot."""
    gates = [{"snapshot": snapshot, "metric": "f1", "minimum": 0.4, "maxRegression": 0.02}]
    return serving(version, digest, rollout={"gates": gates, **rollout})
