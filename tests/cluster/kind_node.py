"""One node of a cluster of kind: a container. Made by kind_cluster.py."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.cluster.engine import Engine
from tests.cluster.feeding import Archive
from tests.cluster.joined import Joined
from tests.cluster.layout import GPU, Layout

SHARED = "/var/vedette"
"""Where a node has the folder `shared` of this machine."""
_PLUGIN = "/usr/local/bin/vedette-gpu"


def shared(layout: Layout, node: str) -> Path:
    return layout.var(node) / "vedette"


@dataclass(frozen=True)
class KindNode(Joined):
    """`plugin`: the program that says which cards there are."""

    engine: Engine
    container: str
    plugin: str

    @property
    def gpus_file(self) -> Path:
        return shared(self.layout, GPU) / "gpus"

    def boot(self) -> None:
        """What kind does not do: no way out, and the cards of the GPU node."""
        cut_off(self.engine, self.container)
        if self.name == GPU:
            self.engine("cp", self.plugin, f"{self.container}:{_PLUGIN}")
            self.engine("exec", "--detach", self.container, _PLUGIN, "-devices", f"{SHARED}/gpus")

    def stop(self) -> None:
        self.engine("kill", self.container)

    def start(self) -> None:
        self.engine("start", self.container)
        self.boot()

    def load(self, archives: Sequence[Archive]) -> None:
        for archive in archives:
            self.engine.fed(
                archive, "exec", "--interactive", self.container, "ctr", "-n", "k8s.io", "images", "import", "-"
            )

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        return self.engine.asked("exec", self.container, *command)


def cut_off(engine: Engine, container: str) -> None:
    """It reaches the other nodes and this machine, and nothing beyond."""
    for family in ("-4", "-6"):
        engine.asked("exec", container, "ip", family, "route", "delete", "default")
