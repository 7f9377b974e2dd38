"""What was seen of the cluster when a resource is reconciled. Filled by kube.py; frozen, so that a decision can be repeated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from appliance.contracts.resources.detector_status import EngineStatus
from appliance.contracts.serving import Serving

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
    """`hopeless`: it ended at a failure that no other try would mend."""

    outcome: Outcome
    message: str = ""
    hopeless: bool = False
    suspended: bool = False


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
class Package:
    """What the manifest of the package asked for says: its own threshold, and the precisions it has beside fp32."""

    threshold: float
    precisions: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Mounts:
    """Which ConfigMap of how to serve is used: by a Deployment (its name -> that of the ConfigMap, empty: none), and by pods.

    `contents`: what stands in them.
    """

    deployments: Mapping[str, str] = field(default_factory=dict)
    pods: frozenset[str] = frozenset()
    contents: Mapping[str, Serving] = field(default_factory=dict)


@dataclass(frozen=True)
class Observed:
    """`children`: what exists of ours -> the digest of the manifest it was made from (build/manifest.py).

    `engines` and `measures`: what Jobs that still exist have reported, by the Job's name. `serving`: what the spec and the
    ConfigMaps that it names come to; None where one of them cannot be used.
    """

    children: Mapping[ChildKey, str] = field(default_factory=dict)
    pods: tuple[Pod, ...] = ()
    jobs: Mapping[str, Job] = field(default_factory=dict)
    engines: Mapping[str, EngineStatus] = field(default_factory=dict)
    measures: Mapping[str, Mapping[Measure, float]] = field(default_factory=dict)
    queue: Queue = Queue()
    problems: tuple[Problem, ...] = ()
    package: Package | None = None
    serving: Serving | None = Serving()
    mounts: Mounts = Mounts()

    def ready(self, digest: str) -> int:
        """How many pods of this package take work."""
        return sum(pod.ready for pod in self.pods if pod.digest == digest)
