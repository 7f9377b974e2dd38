"""Resources as people apply them, and what an operator says of them. Used by the tests beside it."""

from __future__ import annotations

import json
from typing import Any

from tests.cluster_crds.api_server import ApiServer

SNAPSHOT = "sha256:" + "5a" * 32
_NOW = "2026-11-28T20:00:00Z"
Value = dict[str, Any]


def condition(kind: str, status: str, reason: str, message: str) -> Value:
    return {"type": kind, "status": status, "reason": reason, "message": message, "lastTransitionTime": _NOW}


def detector(name: str, version: str, digest: str, **spec: Any) -> Value:
    model = {"storageUri": f"s3://vedette/models/{name}/{version}", "digest": digest}
    return _object("Detector", name, {"model": model, **spec})


def training(name: str, model: str, version: str) -> Value:
    data = {"train": "sha256:" + "1" * 64, "validation": "sha256:" + "2" * 64}
    spec = {
        "dataset": data,
        "configuration": {"inline": {"licence": "Apache-2.0", "epochs": 30}},
        "goal": {"metric": "f1", "minimum": 0.8},
        "publish": {"model": model, "version": version, "detectorRef": {"name": model}},
    }
    return _object("TrainingJob", name, spec)


def _object(kind: str, name: str, spec: Value) -> Value:
    return {"apiVersion": "vedette.io/v1alpha1", "kind": kind, "metadata": {"name": name}, "spec": spec}


def serving_status(digest: str) -> Value:
    """1.0.0 serves, 1.1.0 is on its way, 1.0.5 was rejected."""
    gates = [{"snapshot": SNAPSHOT, "metric": "f1", "state": "Pending", "required": 0.8}]
    passed = {"snapshot": SNAPSHOT, "metric": "recall", "state": "Passed", "value": 0.83, "required": 0.75}
    return {
        "conditions": [
            condition("Ready", "True", "PodsReady", "2 of 2 pods take work."),
            condition("Progressing", "True", "GatesPending", f"1.1.0 waits for its gate f1 on {SNAPSHOT}."),
            condition("Degraded", "False", "AsWanted", "Nothing is wrong."),
            condition("EngineReady", "True", "Built", "TensorRT in fp16 was built in 41 seconds."),
        ],
        "currentVersion": "1.0.0",
        "currentDigest": digest,
        "previousVersion": "0.9.0",
        "canary": {
            "version": "1.1.0",
            "digest": digest,
            "percent": 10,
            "startedAt": _NOW,
            "gates": [*gates, passed],
        },
        "rejected": {
            "version": "1.0.5",
            "digest": digest,
            "reason": "GateFailed",
            "message": f"f1 0.41 on {SNAPSHOT} is below 0.80, which the gate asks for.",
            "retry": 0,
        },
        "engine": {"key": "k", "backend": "tensorrt", "precision": "fp16", "gpu": "NVIDIA H200", "buildSeconds": 41},
        "runningPoint": {"threshold": 0.41, "source": "package"},
        "replicas": {"desired": 2, "ready": 2},
        "queue": {"pendingMegapixels": 1284.5, "oldestQueuedAt": _NOW},
    }


def training_status() -> Value:
    return {
        "conditions": [condition("DatasetReady", "True", "Found", "Both snapshots are in the store.")],
        "state": "Running",
        "trainerStatus": {
            "progressPercentage": 62,
            "estimatedRemainingSeconds": 840,
            "epoch": 12,
            "metrics": [{"name": "f1", "value": 0.71}, {"name": "recall", "value": 0.8}],
            "lastUpdatedTime": _NOW,
        },
        "failures": 1,
        "lastFailureInfo": {
            "location": "pod blobs-1-2-0-0-x7k2p",
            "reason": "OutOfMemory",
            "message": "The card has 16 GiB and the batch needs 21: lower batch_size.",
            "time": _NOW,
            "exitCode": 137,
        },
    }


def failed_status() -> Value:
    message = "Snapshot sha256:" + "1" * 64 + " is not in the store: make it again, or name another."
    return {
        "conditions": [condition("Failed", "True", "SnapshotMissing", message)],
        "state": "Failed",
        "retry": 0,
        "failures": 4,
    }


def say(cluster: ApiServer, namespace: str, kind: str, name: str, status: Value) -> None:
    """What the operator would write."""
    text = json.dumps({"status": status})
    cluster.kubectl("patch", kind, name, "-n", namespace, "--subresource=status", "--type=merge", "-p", text)
