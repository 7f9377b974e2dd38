"""Wait for items to become ready and for runs to end, by asking; a restart of the API in between is waited out.

Used by `item push --wait`, `run start --wait` and the demo.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar
from uuid import UUID

from appliance.cli.progress import Progress
from appliance.clients.http import ApiClient
from appliance.contracts.errors import Code, VedetteError
from appliance.contracts.item import Item, ItemState
from appliance.contracts.run import Run, RunState

T = TypeVar("T")

_UNREACHABLE_SECONDS = 60.0
_ITEM_TEXT = {
    ItemState.UPLOADING: "arriving",
    ItemState.QUEUED: "waiting for a media worker",
    ItemState.NORMALISING: "normalising",
}


@dataclass
class Patience:
    """Asks often at first and seldom later; gives up after `seconds`, or a minute without any answer."""

    seconds: float
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    _began: float = field(init=False)
    _heard: float = field(init=False)

    def __post_init__(self) -> None:
        self._began = self._heard = self.clock()

    def until(self, what: str, ask: Callable[[], T], over: Callable[[T], bool]) -> T:
        """Ask until it is over. Raises VedetteError(UNAVAILABLE) when patience ends."""
        pause = 0.1
        while True:
            try:
                answer = ask()
            except VedetteError as error:
                if not error.reason.retryable or self.clock() - self._heard > _UNREACHABLE_SECONDS:
                    raise
            else:
                self._heard = self.clock()
                if over(answer):
                    return answer
            if self.clock() - self._began > self.seconds:
                raise VedetteError(
                    Code.UNAVAILABLE,
                    f"{what} is not done after {self.seconds:.0f} seconds.",
                    "It goes on by itself: see `vedette item list` and `vedette worker list`, or wait longer with --timeout.",
                )
            self.sleep(pause)
            pause = min(1.0, pause * 1.5)


def item_over(item: Item) -> bool:
    return item.state in (ItemState.READY, ItemState.FAILED)


def for_item(api: ApiClient, item: Item, patience: Patience, progress: Progress) -> Item:
    """The item once it is ready or failed."""

    def ask() -> Item:
        now = api.get(f"/api/items/{item.id}", Item)
        if not item_over(now):
            known = now.state is ItemState.NORMALISING
            progress.show(now.name, _ITEM_TEXT[now.state], now.progress_percent / 100 if known else None)
        return now

    return patience.until(item.name, ask, item_over)


def for_run(api: ApiClient, run_id: UUID, patience: Patience, progress: Progress) -> Run:
    """The run once it has succeeded, failed or was cancelled."""

    def ask() -> Run:
        now = api.get(f"/api/runs/{run_id}", Run)
        if not now.state.terminal:
            progress.show(run_key(now), *_run_text(now))
        return now

    return patience.until(f"Run {run_id}", ask, lambda run: run.state.terminal)


def for_runs_of(api: ApiClient, item: Item, patience: Patience, progress: Progress) -> list[Run]:
    """The item's runs once all have ended; none, when no detector is subscribed to its dataset."""
    runs = list(api.pages(f"/api/items/{item.id}/runs", Run))
    return [run if run.state.terminal else for_run(api, run.id, patience, progress) for run in runs]


def run_key(run: Run) -> str:
    return f"{run.detector} {run.version} on {run.item_name}"


def _run_text(run: Run) -> tuple[str, float | None]:
    if run.state is RunState.QUEUED:
        return run.waiting.waits_for if run.waiting and run.waiting.waits_for else "waiting for a detector worker", None
    if run.state is RunState.INGESTING:
        return "storing detections", None
    found = f"{run.progress.detections} detections so far" if run.progress.detections else "looking"
    return found, run.progress.fraction
