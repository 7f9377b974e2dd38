"""Where a cluster keeps its files and what it calls its things. Pure; used by everything in tests/cluster.

All of a cluster lies below one private folder; every name that others on the machine can see carries an id made from that
folder's path, so two clusters never meet and what is left of one is known by its name.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

CONTROL = "control"
PLAIN = "plain"
GPU = "gpu"
NODES = (PLAIN, GPU)


@dataclass(frozen=True)
class Layout:
    folder: Path

    @property
    def id(self) -> str:
        """At most 15 characters: it names a network interface, too."""
        return "vdt-" + hashlib.sha256(str(self.folder.resolve()).encode()).hexdigest()[:8]

    @property
    def state(self) -> Path:
        return self.folder / "state.json"

    @property
    def logs(self) -> Path:
        return self.folder / "logs"

    @property
    def control(self) -> Path:
        return self.folder / "control"

    @property
    def pki(self) -> Path:
        return self.control / "pki"

    @property
    def kubeconfig(self) -> Path:
        """The administrator's, for people and tests on this machine."""
        return self.folder / "kubeconfig"

    def var(self, node: str) -> Path:
        """The folder that is /var inside this node."""
        return self.folder / "nodes" / node / "var"

    def cgroup(self, place: str) -> str:
        """The control group of all that runs in this place, below the root of each hierarchy."""
        return f"{self.id}/{place}"
