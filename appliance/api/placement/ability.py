"""Whether a worker can do a run, and in one sentence what is missing where no worker can. Pure.

Called by assign.py and outlook.py.
"""

from __future__ import annotations

from collections.abc import Iterable

from appliance.api.placement.queue import Task, WaitingRun, Worker


def serves(worker: Worker, task: Task) -> bool:
    """Whether it takes runs of this detector at all. One that names none takes any."""
    named = worker.announced.serves
    return not named or any(s.name == task.detector and s.version in (None, task.version) for s in named)


def has_gpu(worker: Worker, task: Task) -> bool:
    return bool(worker.announced.gpus) or not task.gpu


def has_memory(worker: Worker, task: Task, promised_bytes: int = 0) -> bool:
    """Beside what is promised to others. A worker that does not say how much it has is trusted; it hands back what it
    cannot do."""
    available = worker.announced.available_bytes
    return available is None or task.memory_bytes + promised_bytes <= available


def can(worker: Worker, task: Task) -> bool:
    return serves(worker, task) and has_gpu(worker, task) and has_memory(worker, task)


def may(worker: Worker, run: WaitingRun) -> bool:
    """Whether the run may be placed on it now, or behind what it does."""
    return not worker.drained and run.refused_by != worker.id and can(worker, run.task)


def missing(task: Task, workers: Iterable[Worker]) -> str:
    """What the run waits for; empty where some worker can do it."""
    present = list(workers)
    serving = [worker for worker in present if serves(worker, task)]
    if not present:
        return "no detector worker is running"
    if not serving:
        return f"no worker of {task.detector} is running"
    fitted = [worker for worker in serving if has_gpu(worker, task)]
    if not fitted:
        return "waits for a worker with a GPU"
    able = [worker for worker in fitted if has_memory(worker, task)]
    if not able:
        return f"waits for a worker with {_gigabytes(task.memory_bytes)} of memory"
    if all(worker.drained for worker in able):
        return "every worker that can do it is drained"
    return ""


def _gigabytes(count: int) -> str:
    """Rounded up: a worker with what is said has enough."""
    return f"{-(-count // 100_000_000) / 10:g} GB"
