"""What a supervisor must know to run one part of the appliance. A value; it starts nothing and knows no server."""

from __future__ import annotations

import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path


def _nothing() -> None:
    """The default of `prepare` and `once_ready`."""


def _always(_: int) -> bool:
    """The default of `alive`."""
    return True


@dataclass(frozen=True)
class Service:
    """One process to run.

    `prepare` runs before each start and `once_ready` after each start, when `ready` has first said yes; both may be
    run any number of times. `alive` is asked of what is no longer ready: False when it answers nothing at all, whatever the
    others do; one that stays so is killed. `ready` and `alive` are asked with the process id; they answer within a few seconds and never raise. Secrets go into `environment` or into
    files, never into `command`. `after` names the services that must be ready before this one starts. The kernel sends
    `death_signal` when the supervisor itself dies; `inherit` passes our whole environment on, without our own variables;
    `pause_seconds` lie between two questions whether it is ready; `leftovers` are files to remove once the process has gone.
    """

    name: str
    command: tuple[str, ...]
    folder: Path
    ready: Callable[[int], bool]
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    after: tuple[str, ...] = ()
    ports: tuple[int, ...] = ()
    user: str | None = None
    prepare: Callable[[], None] = _nothing
    once_ready: Callable[[], None] = _nothing
    alive: Callable[[int], bool] = _always
    stop_signal: signal.Signals = signal.SIGTERM
    death_signal: signal.Signals = signal.SIGKILL
    stop_seconds: float = 20.0
    ready_seconds: float = 60.0
    pause_seconds: float = 0.05
    inherit: bool = False
    leftovers: tuple[Path, ...] = ()
