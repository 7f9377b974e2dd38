"""When waiting runs will begin and end, as far as what was observed tells. Pure. Called by services/outlook.py.

The workers are played forward: each takes, when it is free, the next run that it can do. What depends on a detector of
which nothing was observed is left open rather than guessed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from appliance.api.placement.ability import may, missing
from appliance.api.placement.order import in_order
from appliance.api.placement.queue import Speeds, Task, WaitingRun, Worker
from appliance.contracts.base import RunId
from appliance.contracts.run import Waiting


@dataclass
class _Lane:
    """One of the runs a worker does at once: it is free after `seconds`; None: that cannot be told."""

    worker: Worker
    seconds: float | None


def outlook(waiting: Iterable[WaitingRun], workers: Iterable[Worker], speeds: Speeds) -> dict[RunId, Waiting]:
    """Of each run that has not begun. Runs that are placed come first in line, then those that some worker can do."""
    present = list(workers)
    line = _Line(speeds)
    lanes = [lane for worker in present for lane in line.lanes_of(worker)]
    for run in in_order(waiting, speeds):
        lacking = missing(run.task, present)
        if lacking:
            line.found[run.task.run_id] = Waiting(waits_for=lacking)
        else:
            able = (lane for lane in lanes if may(lane.worker, run))
            line.join(run.task, min(able, key=_when_free, default=None))
    return line.found


class _Line:
    """Runs as they come up to the workers."""

    def __init__(self, speeds: Speeds) -> None:
        self.found: dict[RunId, Waiting] = {}
        self._speeds = speeds
        self._length = 0

    def lanes_of(self, worker: Worker) -> list[_Lane]:
        """What the worker has comes first: those that it is at, then those that lie before it."""
        lanes = [_Lane(worker, 0.0) for _ in range(worker.announced.at_once)]
        for run in sorted(worker.held, key=lambda run: not run.started):
            lane = min(lanes, key=_when_free)
            if run.started:
                lane.seconds = _sum(lane.seconds, self._speeds.seconds_left(run))
            else:
                self.join(run.task, lane)
        return lanes

    def join(self, task: Task, lane: _Lane | None) -> None:
        """Without a lane (the only worker has just handed it back) nothing is said of when."""
        self._length += 1
        starts = lane.seconds if lane else None
        ends = _sum(starts, self._speeds.seconds(task))
        if lane:
            lane.seconds = ends
        self.found[task.run_id] = Waiting(position=self._length, starts_in_seconds=starts, ends_in_seconds=ends)


def _sum(start: float | None, seconds: float | None) -> float | None:
    return None if start is None or seconds is None else start + seconds


def _when_free(lane: _Lane) -> float:
    return float("inf") if lane.seconds is None else lane.seconds
