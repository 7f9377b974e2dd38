"""What a supervisor must know to run one part of the appliance. A value; it starts nothing and knows no server."""

from __future__ import annotations

import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path


def _nothing() -> None:
    """The default of `prepare` and `once_ready`."""


@dataclass(frozen=True)
class Service:
    """One process to run.

    `prepare` runs before each start and `once_ready` after each start, when `ready` has first said yes; both may be
    run any number of times. `ready` is asked with the process id; it answers within two seconds and never raises. Secrets go into `environment` or into
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
    stop_signal: signal.Signals = signal.SIGTERM
    death_signal: signal.Signals = signal.SIGKILL
    stop_seconds: float = 20.0
    ready_seconds: float = 60.0
    pause_seconds: float = 0.05
    inherit: bool = False
    leftovers: tuple[Path, ...] = ()
