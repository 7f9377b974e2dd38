"""Which runs go to which workers now. Pure. Called by background/placer.py.

Runs come in their order; each goes to a free worker that can do it, or waits. So that no worker idles while the next
run travels to it, one more is placed behind runs that are as good as over.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from appliance.api.placement.ability import has_memory, may
from appliance.api.placement.order import in_order
from appliance.api.placement.queue import HeldRun, Speeds, Task, WaitingRun, Worker
from appliance.contracts.base import RunId

AS_GOOD_AS_OVER_SECONDS = 1.0
_RESTING_AFTER_SECONDS = 3.0


@dataclass(frozen=True)
class Placement:
    run_id: RunId
    worker_id: UUID


@dataclass
class _Room:
    """What fits on one worker in this step. `promised`: memory of runs that have not begun to take it."""

    worker: Worker
    free: int
    ahead: int
    promised: int = 0


def assign(waiting: Iterable[WaitingRun], workers: Iterable[Worker], speeds: Speeds) -> list[Placement]:
    """Each run at most once, each on a worker that can do it and is not drained."""
    rooms = _rooms(workers, speeds)
    open_rooms = sum(room.free + room.ahead for room in rooms)
    found: list[Placement] = []
    for run in in_order(waiting, speeds) if open_rooms else ():
        room = _best(run, rooms)
        if room is None:
            continue
        if room.free:
            room.free -= 1
        else:
            room.ahead -= 1
        room.promised += run.task.memory_bytes
        found.append(Placement(run.task.run_id, room.worker.id))
        if len(found) == open_rooms:
            break
    return found


def has_room(workers: Iterable[Worker], speeds: Speeds) -> bool:
    """Whether any run could be placed at all."""
    return any(room.free + room.ahead for room in _rooms(workers, speeds))


def _rooms(workers: Iterable[Worker], speeds: Speeds) -> list[_Room]:
    return [_room(worker, speeds) for worker in workers if not worker.drained]


def _room(worker: Worker, speeds: Speeds) -> _Room:
    held = [run for run in worker.held if not _rests(run, worker)]
    free = max(0, worker.announced.at_once - len(held))
    over = bool(held) and all(_is_as_good_as_over(run, speeds) for run in held)
    ahead = 1 if free == 0 and over and len(held) == worker.announced.at_once else 0
    promised = sum(run.task.memory_bytes for run in worker.held if not run.started)
    return _Room(worker, free, ahead, promised)


def _rests(run: HeldRun, worker: Worker) -> bool:
    """It failed, is tried again after a pause, and leaves the worker free meanwhile."""
    return run.started and run.heard_seconds > _RESTING_AFTER_SECONDS and run.task.run_id not in worker.announced.runs


def _is_as_good_as_over(run: HeldRun, speeds: Speeds) -> bool:
    left = speeds.seconds_left(run)
    return left is not None and left <= AS_GOOD_AS_OVER_SECONDS


def _best(run: WaitingRun, rooms: list[_Room]) -> _Room | None:
    """A free worker before one that soon will be; then one with the model loaded; then the smallest that is enough, so
    that large ones stay for large scenes."""
    fitting = [
        room
        for room in rooms
        if (room.free or room.ahead)
        and may(room.worker, run)
        and has_memory(room.worker, run.task, _promised(room, rooms))
    ]
    return min(fitting, key=lambda room: _reluctance(room, run.task), default=None)


def _reluctance(room: _Room, task: Task) -> tuple[bool, int, bool, bool, float, UUID]:
    announced = room.worker.announced
    spare_gpu = bool(announced.gpus) and not task.gpu
    memory = float("inf") if announced.available_bytes is None else announced.available_bytes
    return not room.free, -room.free, spare_gpu, task.detector not in announced.detectors, memory, room.worker.id


def _promised(room: _Room, rooms: list[_Room]) -> int:
    """Workers of one machine share its memory."""
    return sum(other.promised for other in rooms if other.worker.announced.host == room.worker.announced.host)
