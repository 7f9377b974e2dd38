"""One node of a running cluster, as tests see it. Made by cluster.py."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass

from tests.cluster.feeding import Archive, feed
from tests.cluster.files import write
from tests.cluster.kubectl import Kubectl, KubectlError
from tests.cluster.layout import GPU, Layout
from tests.cluster.nodes import CARDS, SOCKET, gpus_file
from tests.cluster.parts import Part
from tests.cluster.running import Running

RESOURCE = "nvidia.com/gpu"


@dataclass(frozen=True)
class Node:
    name: str
    layout: Layout
    running: Running
    kubectl: Kubectl
    parts: tuple[Part, ...]

    def boot(self, images: Sequence[bytes] = ()) -> None:
        """Make its place and start containerd there, with these images."""
        self.running.open(self.name)
        self.running.start(self.parts[0])
        self.running.wait_until(f"containerd of node {self.name}", self._containerd_answers)
        self.load(images)

    def join(self) -> None:
        """Start the kubelet and what goes with it; the API server must be there."""
        for part in self.parts:
            self.running.start(part)

    def wait_ready(self, seconds: float = 90) -> None:
        """Until it takes pods; of the GPU node also until its cards are known."""
        self.running.wait_until(f"readiness of node {self.name}", lambda: self.ready, seconds)
        if self.name == GPU:
            self.running.wait_until("GPUs of node gpu", lambda: self.allocatable(RESOURCE) > 0, seconds)

    def stop(self) -> None:
        """As a power cut does it: all ends at once, nobody is told. Its disk stays."""
        self.running.close(self.name)

    def start(self) -> None:
        """After `stop`: boots from the same disk and joins again."""
        self.boot()
        self.join()

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
        write(gpus_file(self.layout), "".join(f"gpu-{card} {state}\n" for card, state in enumerate(health)))

    def load(self, archives: Sequence[Archive]) -> None:
        """Bring images, each an OCI or docker archive, into this node's containerd."""
        for archive in archives:
            command = self.running.inside(self.name, "ctr", "-a", SOCKET, "-n", "k8s.io", "images", "import", "-")
            status, said = feed(command, archive)
            if status != 0:
                raise KubectlError(f"node {self.name} does not take the image: {said}")

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a program of this machine inside of the node."""
        inside = self.running.inside(self.name, *command)
        return subprocess.run(inside, capture_output=True, text=True, timeout=60, check=False)

    def _containerd_answers(self) -> bool:
        return self.run("ctr", "-a", SOCKET, "version").returncode == 0
