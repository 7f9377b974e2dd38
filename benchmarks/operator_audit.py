"""Who asked the API server for what, and when, by its own audit log: each request with microseconds, where an object's own
creationTimestamp knows only seconds. Called by operator.py. Reads a file; knows nothing of what is measured.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

WRITES = frozenset({"create", "update", "patch", "delete", "deletecollection"})
LEASES = "leases"


def policy(*users: str) -> str:
    """What kube-apiserver shall log: one line for each request of these users, without its content."""
    rules = [
        {"level": "None", "nonResourceURLs": ["*"]},
        {"level": "Metadata", "users": list(users)},
        {"level": "None"},
    ]
    head = {"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "omitStages": ["RequestReceived", "ResponseStarted"]}
    return json.dumps({**head, "rules": rules})


def arguments(folder: Path, *users: str) -> tuple[str, ...]:
    """Of kube-apiserver, to log into `log(folder)`."""
    (folder / "audit.json").write_text(policy(*users))
    return (
        f"--audit-policy-file={folder / 'audit.json'}",
        f"--audit-log-path={log(folder)}",
        "--audit-log-maxsize=10000",
    )


def log(folder: Path) -> Path:
    return folder / "audit.log"


@dataclass(frozen=True)
class Request:
    """One that came at `came` and was answered at `at`, in seconds since 1970. `name`: the object's, empty for a list."""

    user: str
    agent: str
    verb: str
    resource: str
    subresource: str
    namespace: str
    name: str
    code: int
    came: float
    at: float

    @property
    def writes(self) -> bool:
        return self.verb in WRITES

    @property
    def kind(self) -> str:
        """`patch deployments`, `update detectors/status`."""
        below = f"/{self.subresource}" if self.subresource else ""
        return f"{self.verb} {self.resource}{below}"


def read(path: Path) -> list[Request]:
    """In the order in which they were answered; a last line that is not whole yet is left out."""
    with path.open(encoding="utf-8") as lines:
        return sorted(_parsed(lines), key=lambda request: request.at)


def _parsed(lines: Iterable[str]) -> Iterator[Request]:
    for line in lines:
        if line.endswith("\n"):
            yield _request(json.loads(line))


def _request(event: dict[str, Any]) -> Request:
    target = event.get("objectRef", {})
    return Request(
        user=event["user"]["username"],
        agent=event.get("userAgent", ""),
        verb=event["verb"],
        resource=target.get("resource", ""),
        subresource=target.get("subresource", ""),
        namespace=target.get("namespace", ""),
        name=target.get("name", ""),
        code=event.get("responseStatus", {}).get("code", 0),
        came=datetime.fromisoformat(event["requestReceivedTimestamp"]).timestamp(),
        at=datetime.fromisoformat(event["stageTimestamp"]).timestamp(),
    )


def within(requests: Iterable[Request], began: float, ended: float) -> list[Request]:
    return [request for request in requests if began <= request.at < ended]


def delays(causes: Iterable[Request], effects: Iterable[Request], owner: dict[tuple[str, str], str]) -> list[float]:
    """Seconds from when each cause came until the first effect on a child of its object was answered. Watchers hear of an
    object before whoever made it does. Raises ValueError where an effect never came.

    `owner`: (resource, name) of a child -> the name of the object that owns it.
    """
    after: dict[str, list[float]] = {}
    for effect in effects:
        parent = owner.get((effect.resource, effect.name))
        if parent is not None:
            after.setdefault(parent, []).append(effect.at)
    found = []
    for cause in causes:
        later = [at for at in after.get(cause.name, []) if at >= cause.came]
        if not later:
            raise ValueError(f"nothing followed {cause.kind} {cause.name}")
        found.append(min(later) - cause.came)
    return found


def percentile(values: list[float], percent: float) -> float:
    """The least value that is not below `percent` of them."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


def counted(requests: Iterable[Request]) -> list[tuple[str, int]]:
    """How many of each kind, the most first."""
    return Counter(request.kind for request in requests).most_common()
