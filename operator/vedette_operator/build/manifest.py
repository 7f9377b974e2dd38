"""A manifest as a plain value: its key, its digest, and the metadata that every child has. Pure."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from appliance.contracts.resources.base import GROUP, VERSION
from appliance.contracts.resources.objects import AnyResource

Manifest = dict[str, Any]
APPLIED = f"{GROUP}/applied"
"""The annotation that holds the digest of the manifest a child was made from: what the API server adds is no difference."""
OWNER_LABEL = f"{GROUP}/uid"
"""Of every pod: whose it is, where another has the owner's name by now."""
QUEUE_LABEL = "kueue.x-k8s.io/queue-name"


def key(manifest: Manifest) -> tuple[str, str]:
    """(kind, name)."""
    return manifest["kind"], manifest["metadata"]["name"]


def digest(manifest: Manifest) -> str:
    """Of its canonical JSON without the annotation that holds it."""
    metadata = {name: value for name, value in manifest["metadata"].items() if name != "annotations"}
    text = json.dumps({**manifest, "metadata": metadata}, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def child(owner: AnyResource, api_version: str, kind: str, name: str, labels: dict[str, str]) -> Manifest:
    """The head of a child: gone with its owner, and found by the owner's label. Kueue's queue is the owner's."""
    queue = owner.metadata.labels.get(QUEUE_LABEL)
    return {
        "apiVersion": api_version,
        "kind": kind,
        "metadata": {
            "name": name,
            "namespace": owner.metadata.namespace,
            "labels": labels | ({QUEUE_LABEL: queue} if queue else {}),
            "ownerReferences": [
                {
                    "apiVersion": f"{GROUP}/{VERSION}",
                    "kind": owner.kind,
                    "name": owner.metadata.name,
                    "uid": owner.metadata.uid,
                    "controller": True,
                    "blockOwnerDeletion": True,
                }
            ],
        },
    }


def template(owner: AnyResource, labels: dict[str, str], pod: dict[str, Any]) -> dict[str, Any]:
    """Of the pods of a child."""
    return {"metadata": {"labels": labels | {OWNER_LABEL: owner.metadata.uid}}, "spec": pod}


def sealed(manifest: Manifest) -> Manifest:
    """With its digest as an annotation, ready to be applied."""
    metadata = {**manifest["metadata"], "annotations": {APPLIED: digest(manifest)}}
    return {**manifest, "metadata": metadata}


def short(content: str) -> str:
    """The part of a digest that goes into names and labels."""
    return content.removeprefix("sha256:")[:10]
