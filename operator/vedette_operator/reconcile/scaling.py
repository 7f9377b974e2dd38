"""How many pods a detector should have, from what waits for it. Pure; called by reconcile/detector.py."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil

from appliance.contracts.resources.detector_spec import Scaling
from appliance.contracts.resources.detector_status import ReplicaStatus
from vedette_operator.reconcile.observed import Queue


@dataclass(frozen=True)
class Scale:
    """`low_since`: since when fewer would be enough; `falls`: when they go."""

    desired: int
    low_since: datetime | None = None
    falls: datetime | None = None


def scale(scaling: Scaling, queue: Queue, before: ReplicaStatus | None, now: datetime) -> Scale:
    """More at once, fewer only after `scaleDownAfterSeconds` in which fewer were enough; never none while runs are in work."""
    needed = _needed(scaling, queue)
    had = min(before.desired, scaling.max_replicas) if before else needed
    if before is None or needed >= had:
        return Scale(needed)
    low_since = before.low_since or now
    falls = low_since + timedelta(seconds=scaling.scale_down_after_seconds)
    return Scale(needed) if falls <= now else Scale(had, low_since, falls)


def _needed(scaling: Scaling, queue: Queue) -> int:
    waiting = ceil(queue.pending_megapixels / scaling.target_queued_megapixels)
    return min(max(waiting, min(queue.busy, 1), scaling.min_replicas), scaling.max_replicas)
