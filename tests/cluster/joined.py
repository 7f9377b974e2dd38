"""A node as the API server sees it, and the file that says which of its cards are well: the same for every kind of cluster.

Base of node.py and kind_node.py.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.cluster.feeding import Archive
from tests.cluster.files import write
from tests.cluster.kubectl import Kubectl, wait_until
from tests.cluster.layout import GPU, Layout

RESOURCE = "nvidia.com/gpu"
CARDS = 2  # that the GPU node has when it is new


@dataclass(frozen=True)
class Joined:
    name: str
    layout: Layout
    kubectl: Kubectl

    @property
    def gpus_file(self) -> Path:
        """As this machine sees it."""
        raise NotImplementedError

    def stop(self) -> None:
        """As a power cut does it: all ends at once, nobody is told. Its disk stays."""
        raise NotImplementedError

    def start(self) -> None:
        """After `stop`: boots from the same disk and joins again."""
        raise NotImplementedError

    def load(self, archives: Sequence[Archive]) -> None:
        """Bring images, each an OCI or docker archive, into this node's containerd."""
        raise NotImplementedError

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a program inside of the node."""
        raise NotImplementedError

    def wait_until(self, what: str, holds: Callable[[], bool], seconds: float = 90) -> None:
        """TimeoutError says what never came."""
        wait_until(what, holds, seconds)

    def wait_ready(self, seconds: float = 90) -> None:
        """Until it takes pods; of the GPU node also until its cards are known."""
        self.wait_until(f"readiness of node {self.name}", lambda: self.ready, seconds)
        if self.name == GPU:
            self.wait_until("GPUs of node gpu", lambda: self.allocatable(RESOURCE) > 0, seconds)

    @property
    def ready(self) -> bool:
        """What the API server believes."""
        conditions = self.kubectl.get("node", self.name)["status"]["conditions"]
        return any(condition["type"] == "Ready" and condition["status"] == "True" for condition in conditions)

    def allocatable(self, resource: str) -> int:
        return int(self.kubectl.get("node", self.name)["status"]["allocatable"].get(resource, "0"))

    def set_gpus(self, *, healthy: int, of: int = CARDS) -> None:
        """From now on the first `healthy` of the GPU node's `of` cards work, and the others do not."""
        assert self.name == GPU, f"node {self.name} has no cards"
        health = ("healthy" if card < healthy else "unhealthy" for card in range(of))
        write(self.gpus_file, "".join(f"gpu-{card} {state}\n" for card, state in enumerate(health)))
