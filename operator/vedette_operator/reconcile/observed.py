"""What was seen of the cluster when a resource is reconciled. Filled by kube.py; frozen, so that a decision can be repeated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from appliance.contracts.resources.detector_status import EngineStatus

Outcome = Literal["active", "complete", "failed"]
ChildKey = tuple[str, str]
"""(kind, name) in the resource's namespace."""
Measure = tuple[str, str, str]
"""(digest of the package, snapshot, metric)."""


@dataclass(frozen=True)
class Pod:
    """`waiting`: why its container does not run (ImagePullBackOff, CrashLoopBackOff); `unschedulable`: the scheduler's words."""

    name: str
    digest: str
    ready: bool = False
    waiting: str = ""
    message: str = ""
    unschedulable: str = ""
    exit_code: int | None = None


@dataclass(frozen=True)
class Job:
    outcome: Outcome
    message: str = ""


@dataclass(frozen=True)
class Queue:
    """What waits for the detector, and how many runs are in work."""

    pending_megapixels: float = 0.0
    oldest_queued_at: datetime | None = None
    busy: int = 0


@dataclass(frozen=True)
class Problem:
    """Something the spec names and that is not there or cannot be used; the message says what would fix it."""

    reason: str
    message: str


@dataclass(frozen=True)
class Observed:
    """`children`: what exists of ours -> the digest of the manifest it was made from (build/manifest.py).

    `engines` and `measures`: what Jobs that still exist have reported, by the Job's name.
    """

    children: Mapping[ChildKey, str] = field(default_factory=dict)
    pods: tuple[Pod, ...] = ()
    jobs: Mapping[str, Job] = field(default_factory=dict)
    engines: Mapping[str, EngineStatus] = field(default_factory=dict)
    measures: Mapping[str, Mapping[Measure, float]] = field(default_factory=dict)
    queue: Queue = Queue()
    problems: tuple[Problem, ...] = ()
    package_threshold: float | None = None

    def ready(self, digest: str) -> int:
        """How many pods of this package take work."""
        return sum(pod.ready for pod in self.pods if pod.digest == digest)
