"""Who is next: the dataset's priority first, then short runs before long ones, none of them for ever. Pure.

Among runs of one priority each has a deadline, its moment of asking plus STRETCH times its own length, and the earliest
deadline goes first (Bender, Chakrabarti, Muthukrishnan: Flow and Stretch Metrics for Scheduling Continuous Job Streams,
SODA 1998). Whoever waits is overtaken only by runs asked for within that time, so a large scene is never starved by
small ones that keep coming, and a small one does not wait behind large ones that were asked for just before it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from appliance.api.placement.queue import Speeds, WaitingRun

STRETCH = 10.0
LONGEST_SLACK_SECONDS = 1800.0
"""However large a scene is, nothing that is asked for half an hour later overtakes it."""

_MEGAPIXELS_PER_SECOND = 5.0
"""Of a detector that never ran: about what a small model does on one core."""


def in_order(runs: Iterable[WaitingRun], speeds: Speeds) -> list[WaitingRun]:
    """All of them, the next one first."""
    return sorted(runs, key=lambda run: (-run.priority, deadline(run, speeds), run.task.run_id))


def deadline(run: WaitingRun, speeds: Speeds) -> datetime:
    """When it should have begun at the latest."""
    seconds = speeds.seconds(run.task)
    length = run.task.megapixels / _MEGAPIXELS_PER_SECOND if seconds is None else seconds
    return run.queued_at + timedelta(seconds=min(STRETCH * length, LONGEST_SLACK_SECONDS))
