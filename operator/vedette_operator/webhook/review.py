"""AdmissionReview v1: read what the API server asks, answer what the rules say. Pure; called by server.py with parsed JSON.

What cannot be read is let through: the CRD has judged the object, and a webhook that is older than a field shall stop nobody.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from appliance.contracts.errors import Code, VedetteError
from appliance.contracts.resources import validate
from appliance.contracts.resources.objects import DetectorResource, TrainingJobResource
from vedette_operator.webhook import rules
from vedette_operator.webhook.rules import Others, Verdict

_API_VERSION, _KIND = "admission.k8s.io/v1", "AdmissionReview"
_CONFLICT = 409
Manifest = Mapping[str, Any]


@dataclass(frozen=True)
class Asked:
    """One request. `new` and `old` are manifests, None where there is none (nothing new of what is deleted)."""

    uid: str
    kind: str
    operation: str
    namespace: str
    name: str
    new: Manifest | None
    old: Manifest | None


def read(document: Any) -> Asked:
    """Raises VedetteError(INVALID) for what is no AdmissionReview v1."""
    request = document.get("request") if isinstance(document, dict) else None
    if not isinstance(request, dict) or document.get("apiVersion") != _API_VERSION or not _text(request.get("uid")):
        raise VedetteError(Code.INVALID, "This is no AdmissionReview v1 with a request.", "The API server sends them.")
    kind = request.get("kind")
    return Asked(
        uid=request["uid"],
        kind=_text(kind.get("kind")) if isinstance(kind, dict) else "",
        operation=_text(request.get("operation")),
        namespace=_text(request.get("namespace")),
        name=_text(request.get("name")),
        new=_manifest(request.get("object")),
        old=_manifest(request.get("oldObject")),
    )


def judge(asked: Asked, namespace: str, known: Iterable[Manifest]) -> Verdict:
    """`known`: the manifests of all Detectors and TrainingJobs that stay. Other namespaces are none of our business."""
    if asked.namespace != namespace:
        return Verdict()
    if asked.kind == "Detector" and asked.operation == "DELETE":
        return rules.of_deleted_detector(asked.name, _others(known, {asked.name}))
    job = _training(asked.new)
    if job is None or job.spec.publish is None or asked.operation not in ("CREATE", "UPDATE"):
        return Verdict()
    publish = job.spec.publish
    models = {publish.model} | ({publish.detector_ref.name} if publish.detector_ref else set())
    return rules.of_training(job, _training(asked.old), _others(known, models))


def _others(known: Iterable[Manifest], models: set[str]) -> Others:
    """Of these models alone: reading thousands of objects would take longer than the API server waits."""
    read = [each for each in map(_resource, (each for each in known if _models(each) & models)) if each is not None]
    return Others(
        tuple(each for each in read if isinstance(each, DetectorResource)),
        tuple(each for each in read if isinstance(each, TrainingJobResource)),
    )


def _models(manifest: Manifest) -> set[str]:
    """That a Detector serves, which bears their name, or a TrainingJob publishes or hands over."""
    if manifest.get("kind") == "Detector":
        return {_text(manifest["metadata"].get("name"))}
    publish = manifest["spec"].get("publish") or {}
    return {_text(publish.get("model")), _text((publish.get("detectorRef") or {}).get("name"))}


def answer(asked: Asked, verdict: Verdict) -> dict[str, Any]:
    """The AdmissionReview to send back."""
    response: dict[str, Any] = {"uid": asked.uid, "allowed": not verdict.refused}
    if verdict.refused:
        response["status"] = {"code": _CONFLICT, "reason": "Conflict", "message": verdict.refused}
    if verdict.warnings:
        response["warnings"] = list(verdict.warnings)
    return {"apiVersion": _API_VERSION, "kind": _KIND, "response": response}


def _training(manifest: Manifest | None) -> TrainingJobResource | None:
    found = None if manifest is None else _resource(manifest)
    return found if isinstance(found, TrainingJobResource) else None


def _resource(manifest: Manifest) -> DetectorResource | TrainingJobResource | None:
    try:
        return validate.resource(dict(manifest), "the object")
    except VedetteError:
        return None


def _manifest(value: Any) -> Manifest | None:
    return value if isinstance(value, dict) else None


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
