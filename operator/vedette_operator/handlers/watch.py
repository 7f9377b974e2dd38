"""What kopf watches for us: raw events, so that it keeps no state in our objects. Each goes to the tracker as it is.

Used by main.py. Decides nothing and writes nothing.
"""

from __future__ import annotations

from typing import Any

import kopf

from appliance.contracts.resources.base import GROUP, VERSION
from vedette_operator import lease
from vedette_operator.tracker import Tracker

_CUSTOM = (("detectors", "Detector"), ("trainingjobs", "TrainingJob"))
_CHILDREN = (("apps", "deployments", "Deployment"), ("batch", "jobs", "Job"), ("", "pods", "Pod"))
_OURS = {f"{GROUP}/part": kopf.PRESENT}


def registry(tracker: Tracker) -> kopf.OperatorRegistry:
    made = kopf.OperatorRegistry()
    _login(made)
    for plural, kind in _CUSTOM:
        kopf.on.event(GROUP, VERSION, plural, registry=made)(_told(tracker, kind))
    for group, plural, kind in _CHILDREN:
        kopf.on.event(group, "v1", plural, labels=_OURS, registry=made)(_told(tracker, kind))
    kopf.on.event("", "v1", "configmaps", registry=made)(_told(tracker, "ConfigMap"))
    kopf.on.event("coordination.k8s.io", "v1", "leases", when=_is_ours, registry=made)(_beat(tracker))
    return made


def _told(tracker: Tracker, kind: str) -> Any:
    async def told(event: kopf.RawEvent, **_: Any) -> None:
        tracker.beat()
        raw = {**event["object"], "kind": kind}
        if event["type"] == "DELETED":
            tracker.deleted(raw)
        else:
            tracker.changed(raw)

    told.__name__ = kind.lower()
    return told


def _beat(tracker: Tracker) -> Any:
    async def beat(**_: Any) -> None:
        tracker.beat()

    return beat


def _is_ours(name: str, **_: Any) -> bool:
    return name == lease.NAME


def _login(made: kopf.OperatorRegistry) -> None:
    @kopf.on.login(registry=made)
    def login(**about: Any) -> kopf.ConnectionInfo | None:
        return kopf.login_with_service_account(**about) or kopf.login_with_kubeconfig(**about)
