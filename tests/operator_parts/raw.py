"""Objects as the API server writes them, as small as the operator reads them."""

from __future__ import annotations

from typing import Any

DETECTOR = {"kind": "Detector", "name": "tree-crowns", "uid": "d1", "controller": True}


def about(name: str, version: int = 1, uid: str = "u1", part: str = "worker", **more: Any) -> dict[str, Any]:
    labels = {"vedette.io/detector": "tree-crowns", "vedette.io/part": part, "vedette.io/package": "abc"}
    return {"name": name, "uid": uid, "resourceVersion": str(version), "labels": labels, **more}


def detector(version: int = 1, uid: str = "d1", **spec: Any) -> dict[str, Any]:
    metadata = {"name": "tree-crowns", "uid": uid, "resourceVersion": str(version)}
    return {"kind": "Detector", "metadata": metadata, "spec": spec}


def deployment(name: str = "one", version: int = 1, uid: str = "u1") -> dict[str, Any]:
    volumes = [{"name": "scratch-0"}, {"name": "serving", "configMap": {"name": "tree-crowns-serving-1"}}]
    head = about(name, version, uid, annotations={"vedette.io/applied": "a1"}, ownerReferences=[DETECTOR])
    return {"kind": "Deployment", "metadata": head, "spec": {"template": {"spec": {"volumes": volumes}}}}


def config_map(name: str, version: int = 1, uid: str = "c1") -> dict[str, Any]:
    metadata = {"name": name, "uid": uid, "resourceVersion": str(version)}
    return {"kind": "ConfigMap", "metadata": metadata, "data": {"a": "1"}}


def pod(status: dict[str, Any], part: str = "worker", **more: Any) -> dict[str, Any]:
    head = about("pod-1", part=part, **more)
    if part != "worker":
        head["labels"]["batch.kubernetes.io/job-name"] = "job-1"
    return {"kind": "Pod", "metadata": head, "spec": {"volumes": []}, "status": status}


def job(*conditions: dict[str, Any], **spec: Any) -> dict[str, Any]:
    head = about("job-1", part="engine", ownerReferences=[DETECTOR])
    return {"kind": "Job", "metadata": head, "spec": spec, "status": {"failed": 2, "conditions": list(conditions)}}
