"""The ConfigMap with how a detector is to be served: immutable, named after its content. Pure."""

from __future__ import annotations

import hashlib

from appliance.contracts.resources.base import GROUP
from appliance.contracts.resources.objects import DetectorResource
from appliance.contracts.serving import SERVING_FILE, Serving
from vedette_operator.build.manifest import Manifest, child, sealed

PATH = f"/etc/vedette/{SERVING_FILE}"


def text(serving: Serving) -> str:
    return serving.model_dump_json(exclude_none=True)


def name(detector: DetectorResource, serving: Serving) -> str:
    """Of its ConfigMap; empty where the model package's own is served."""
    if serving == Serving():
        return ""
    return f"{detector.metadata.name}-serving-{hashlib.sha256(text(serving).encode()).hexdigest()[:10]}"


def config_map(detector: DetectorResource, serving: Serving) -> Manifest:
    labels = {f"{GROUP}/detector": detector.metadata.name, f"{GROUP}/part": "serving"}
    manifest = child(detector, "v1", "ConfigMap", name(detector, serving), labels)
    return sealed(manifest | {"immutable": True, "data": {SERVING_FILE: text(serving)}})
