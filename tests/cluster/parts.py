"""One process of a cluster: start it in the place where it belongs, know it again later, end it.

A part is known by its process id and the moment that process started, so that a number which was given to another
process meanwhile is never signalled. Used by cluster.py; knows no program.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.cluster import cgroups

_PR_SET_PDEATHSIG = 1
_KEPT = ("PATH", "LANG", "TZ")


@dataclass(frozen=True)
class Part:
    """A process to run: `place` is where, the name of the part is unique in the cluster (`kubelet@gpu`)."""

    name: str
    place: str
    command: tuple[str, ...]


@dataclass(frozen=True)
class Process:
    """One that was started. `began` is in the kernel's clock ticks since boot."""

    pid: int
    began: int

    @property
    def alive(self) -> bool:
        return _began(self.pid) == self.began

    def send(self, number: signal.Signals) -> None:
        """Sends nothing where the process has gone."""
        if self.alive:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def end(self, number: signal.Signals = signal.SIGKILL, seconds: float = 20.0) -> None:
        """Signal it and wait until it has gone; killed when it takes longer than `seconds`."""
        self.send(number)
        deadline = time.monotonic() + seconds
        while self.alive:
            if time.monotonic() > deadline:
                self.send(signal.SIGKILL)
            _reap(self.pid)
            time.sleep(0.02)


def start(part: Part, group: str, log: Path, *, orphan: bool) -> Process:
    """Start it in control group `group`, adding what it says to `log`.

    An `orphan` lives on when we end (`make cluster`); any other is killed by the kernel when we die (tests).
    """
    environment = {name: os.environ[name] for name in _KEPT if name in os.environ}
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        process = subprocess.Popen(
            part.command,
            cwd="/",
            env={**environment, "HOME": "/nonexistent"},
            stdin=subprocess.DEVNULL,
            stdout=descriptor,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=_arrange(group, None if orphan else os.getpid()),
        )
    finally:
        os.close(descriptor)
    process.returncode = 0  # we know it by its number from here on: this object shall not complain that it still runs
    return Process(process.pid, _began(process.pid) or 0)


def _arrange(group: str, parent: int | None) -> Callable[[], None]:
    prctl = ctypes.CDLL(None, use_errno=True).prctl

    def arrange() -> None:
        cgroups.join(group)
        if parent is not None:
            prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
            if os.getppid() != parent:  # it died before we asked
                os._exit(1)

    return arrange


def _began(pid: int) -> int | None:
    """None when there is no such process, or when it is dead and only waits to be waited for."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else int(fields[19])


def _reap(pid: int) -> None:
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
