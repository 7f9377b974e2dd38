"""Start one service as a process that cannot outlive us, and stop it with all that it started. Knows no server."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Callable
from typing import IO

from appliance.standalone.service import Service
from appliance.standalone.sweep import MARK

_PR_SET_PDEATHSIG = 1
_NEEDED = frozenset({"PATH", "LANG", "LC_ALL", "TZ", "HOME", "TMPDIR"})
_OURS = frozenset({"VEDETTE_TOKEN", "VEDETTE_URL", "VEDETTE_DATA", "VEDETTE_DEBUG"})


def start(service: Service, log: IO[bytes] | int, mark: str = "") -> subprocess.Popen[bytes]:
    """Start it in a session of its own; the kernel kills it when the thread that called this dies.

    `mark` goes into the environment, and by it leftovers are found (sweep.py). The caller has run `prepare`.
    """
    kept = set(os.environ) - _OURS if service.inherit else _NEEDED
    environment = {name: value for name, value in os.environ.items() if name in kept}
    if mark:
        environment[MARK] = mark
    return subprocess.Popen(
        service.command,
        cwd=service.folder,
        env={**environment, **service.environment},
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        user=service.user,
        group=service.user,
        extra_groups=None if service.user is None else [],
        preexec_fn=_die_with(os.getpid(), int(service.death_signal)),
    )


def _die_with(parent: int, death_signal: int) -> Callable[[], None]:
    """Runs in the child after its user was set: a change of user would clear the signal again (prctl(2))."""
    prctl = ctypes.CDLL(None, use_errno=True).prctl

    def arrange() -> None:
        prctl(_PR_SET_PDEATHSIG, death_signal, 0, 0, 0)
        if os.getppid() != parent:  # it died before we asked
            os._exit(1)

    return arrange


def wait_ready(service: Service, process: subprocess.Popen[bytes]) -> bool:
    """True once it is ready, False when it died or `ready_seconds` have passed."""
    deadline = time.monotonic() + service.ready_seconds
    while time.monotonic() < deadline:
        if process.poll() is not None:
            return False
        if service.ready(process.pid):
            return True
        time.sleep(service.pause_seconds)
    return False


def stop(process: subprocess.Popen[bytes], service: Service) -> int:
    """Ask it to stop, insist after `stop_seconds`, and sweep what it left in its session. Returns the exit status."""
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(service.stop_signal)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(service.stop_seconds)
    kill_group(process.pid)
    status = process.wait()
    for path in service.leftovers:
        path.unlink(missing_ok=True)
    return status


def kill_group(leader: int) -> None:
    """Kill every process of the group, if there is one."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)
