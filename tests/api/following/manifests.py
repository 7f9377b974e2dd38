"""Detectors and TrainingJobs as the API server of a cluster gives them."""

from __future__ import annotations

from typing import Any

OLD, NEW = f"sha256:{'a' * 64}", f"sha256:{'b' * 64}"
_DEFAULT: Any = object()


def detector(
    *,
    version: str = "1.0.0",
    digest: str = OLD,
    subscribe: list[dict[str, str]] | None = None,
    suspend: bool = False,
    status: Any = _DEFAULT,
    canary: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """`status` None: the operator has not looked yet."""
    manifest: dict[str, Any] = {
        "apiVersion": "vedette.io/v1alpha1",
        "kind": "Detector",
        "metadata": {"name": "crowns", "namespace": "vedette", "uid": "uid-1", "resourceVersion": "7", "generation": 1},
        "spec": {
            "model": {"storageUri": f"s3://vedette/models/crowns/{version}", "digest": digest},
            "subscribe": subscribe or [],
            "suspend": suspend,
        },
    }
    if status is _DEFAULT:
        manifest["status"] = {"currentVersion": "1.0.0", "currentDigest": OLD}
        if canary is not None:
            manifest["status"]["canary"] = canary
    return manifest


def training(digest: str | None) -> dict[str, Any]:
    published = {"storageUri": "s3://vedette/models/crowns/1.1.0", "digest": digest}
    return {
        "metadata": {"name": "crowns-again", "resourceVersion": "9"},
        "spec": {},
        "status": {"state": "Complete", **({"modelPackage": published} if digest else {})},
    }
