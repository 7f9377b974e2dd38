"""Control groups of a cluster, in every hierarchy of this machine: make them, see who is in them, kill those, remove them.

All that a cluster starts, and all that this starts in turn, stays below one group named after the cluster: that is how a
shim or a container is found again whose parent has long gone. Knows no part of a cluster. Version 1 and 2 alike.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

from appliance.contracts.errors import Code, VedetteError

_SECONDS = 20.0


def hierarchies() -> list[Path]:
    """Where control groups are mounted; the first is the one that processes are put into by `join`."""
    found = []
    for line in Path("/proc/self/mounts").read_text().splitlines():
        _, mount, kind, options, *_ = line.split()
        if kind in ("cgroup", "cgroup2"):
            found.append((kind == "cgroup" and "name=systemd" not in options.split(","), Path(mount)))
    if not found:
        raise VedetteError(
            Code.UNSUPPORTED,
            "No control groups are mounted on this machine, and a kubelet needs them.",
            "Mount them below /sys/fs/cgroup, or in a container start it with the host's: --privileged --cgroupns=host.",
        )
    return [mount for _, mount in sorted(found)]


def create(group: str) -> None:
    """Make `group` in every hierarchy; one of cpuset is of no use before it has its parent's processors and memory."""
    for mount in hierarchies():
        folder = mount
        for name in group.split("/"):
            folder = folder / name
            folder.mkdir(exist_ok=True)
            for setting in ("cpuset.cpus", "cpuset.mems"):
                file, parent = folder / setting, folder.parent / setting
                if file.exists() and parent.exists() and not file.read_text().strip():
                    file.write_text(parent.read_text())


def join(group: str) -> None:
    """Put the calling process into `group`: meant for a child before it becomes another program."""
    (hierarchies()[0] / group / "cgroup.procs").write_text(str(os.getpid()))


def processes(group: str) -> set[int]:
    """Every process in `group` or below it, in any hierarchy."""
    found: set[int] = set()
    for mount in hierarchies():
        for folder in _tree(mount / group):
            with contextlib.suppress(OSError):  # the group went meanwhile
                found.update(int(pid) for pid in (folder / "cgroup.procs").read_text().split())
    return found


def kill(group: str) -> None:
    """Kill all that is in `group` until nothing is; RuntimeError when something stays for twenty seconds."""
    deadline = time.monotonic() + _SECONDS
    while left := processes(group):
        if time.monotonic() > deadline:
            raise RuntimeError(f"these processes of {group} cannot be killed: {sorted(left)}")
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        _reap(left)
        time.sleep(0.02)


def remove(group: str) -> None:
    """Remove `group` with all below it, once nothing runs there."""
    deadline = time.monotonic() + _SECONDS
    for mount in hierarchies():
        for folder in _tree(mount / group):
            while folder.exists():
                try:
                    folder.rmdir()
                except OSError:  # the kernel takes a moment to let go of the dead
                    if time.monotonic() > deadline:
                        raise
                    time.sleep(0.02)


def _tree(folder: Path) -> Iterator[Path]:
    """The groups below `folder`, deepest first, then itself."""
    for path, _, _ in os.walk(folder, topdown=False):
        yield Path(path)


def _reap(pids: set[int]) -> None:
    """Those that are our own children stay zombies, and in their group, until they are waited for."""
    own = {child.pid for child in psutil.Process().children()}
    for pid in pids & own:
        with contextlib.suppress(psutil.Error):
            psutil.Process(pid).wait(0.5)
