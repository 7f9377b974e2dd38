"""Objects of the cluster as frozen values: what the operator needs of each. Made by translate.py, kept by cache.py."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from appliance.contracts.resources.conditions import FailureInfo
from vedette_operator.reconcile import observed

Key = tuple[str, str]
"""(kind, name) in our namespace."""


@dataclass(frozen=True)
class Owner:
    """The controller in an object's owner references."""

    kind: str
    name: str
    uid: str


@dataclass(frozen=True)
class Seen:
    """`version` grows with every change; `belongs`: the resource that its labels name; `going`: it is being deleted."""

    kind: str
    name: str
    uid: str
    version: int
    owner: Owner | None = None
    belongs: Key | None = None
    applied: str = ""
    part: str = ""
    going: bool = False

    @property
    def key(self) -> Key:
        return self.kind, self.name


@dataclass(frozen=True)
class Custom(Seen):
    """A Detector or TrainingJob, not yet read: it may be older than a rule."""

    document: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Deployment(Seen):
    """`serving`: the ConfigMap that its pods mount."""

    serving: str = ""


@dataclass(frozen=True)
class Job(Seen):
    """`failed`: how many of its pods have failed."""

    job: observed.Job = observed.Job("active")
    failed: int = 0


@dataclass(frozen=True)
class ConfigMap(Seen):
    data: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Pod(Seen):
    """`package`, `of`: labels, the latter is the uid of the resource; `job`: whose pod it is; `report`: the termination message,
    once it has ended; `phase` of Kubernetes."""

    pod: observed.Pod = observed.Pod("", "")
    package: str = ""
    of: str = ""
    job: str = ""
    serving: str = ""
    report: str = ""
    phase: str = ""
    failure: FailureInfo | None = None
