"""One node of a running cluster, as tests see it. Made by cluster.py."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.cluster.feeding import Archive, feed
from tests.cluster.joined import Joined
from tests.cluster.kubectl import KubectlError
from tests.cluster.nodes import SOCKET, gpus_file
from tests.cluster.parts import Part
from tests.cluster.running import Running


@dataclass(frozen=True)
class Node(Joined):
    running: Running
    parts: tuple[Part, ...]

    @property
    def gpus_file(self) -> Path:
        return gpus_file(self.layout)

    def wait_until(self, what: str, holds: Callable[[], bool], seconds: float = 90) -> None:
        """Says at once which part has ended."""
        self.running.wait_until(what, holds, seconds)

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

    def stop(self) -> None:
        self.running.close(self.name)

    def start(self) -> None:
        self.boot()
        self.join()

    def load(self, archives: Sequence[Archive]) -> None:
        for archive in archives:
            command = self.running.inside(self.name, "ctr", "-a", SOCKET, "-n", "k8s.io", "images", "import", "-")
            status, said = feed(command, archive)
            if status != 0:
                raise KubectlError(f"node {self.name} does not take the image: {said}")

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """It is a program of this machine."""
        inside = self.running.inside(self.name, *command)
        return subprocess.run(inside, capture_output=True, text=True, timeout=60, check=False)

    def _containerd_answers(self) -> bool:
        return self.run("ctr", "-a", SOCKET, "version").returncode == 0
