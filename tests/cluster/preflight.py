"""What must hold before a cluster is started or removed, each refusal with its remedy. Used by cluster.py and __main__.py."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Iterator
from pathlib import Path

from appliance.contracts.errors import Code, VedetteError
from tests.cluster.cgroups import hierarchies
from tests.cluster.layout import Layout
from tests.cluster.programs import require_system


def check() -> None:
    """VedetteError unless this process may make namespaces and control groups, and the system's programs are there."""
    if os.geteuid() != 0:
        raise VedetteError(
            Code.FORBIDDEN,
            "A cluster needs root: it makes network namespaces, mounts and control groups.",
            "Run it as root, or in a container or virtual machine where you are root.",
        )
    hierarchies()
    if not os.access(hierarchies()[0], os.W_OK) or _read_only(hierarchies()[0]):
        raise VedetteError(
            Code.FORBIDDEN,
            "The control groups of this machine are mounted read-only.",
            "In a container, start it with --privileged --cgroupns=host.",
        )
    require_system()


@contextlib.contextmanager
def sole(layout: Layout) -> Iterator[None]:
    """Nobody else starts or removes this cluster meanwhile: VedetteError(CONFLICT). Leaves no file behind."""
    with socket.socket(socket.AF_UNIX) as name:
        try:
            name.bind(f"\0{layout.id}")
        except OSError as error:
            raise VedetteError(
                Code.CONFLICT,
                f"Another process is at work on the cluster in {layout.folder}.",
                "Wait until it has ended, or end it.",
            ) from error
        yield


def _read_only(folder: Path) -> bool:
    return bool(os.statvfs(folder).f_flag & os.ST_RDONLY)
