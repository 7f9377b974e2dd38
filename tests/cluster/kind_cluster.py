"""The cluster of cluster.py on kind, for those who have a container engine: the same nodes, cards and images, and no way out.

`make cluster-kind`, or VEDETTE_TEST_CLUSTER=kind for the tests of tests/cluster_appliance. The image of its nodes is kind's own
unless VEDETTE_KIND_IMAGE names another; it is the one thing that is fetched.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from appliance.contracts.errors import Code, VedetteError
from tests.cluster import engine as engines
from tests.cluster import programs
from tests.cluster.engine import Engine
from tests.cluster.feeding import Archive
from tests.cluster.files import private_folder, write
from tests.cluster.joined import CARDS
from tests.cluster.kind_node import SHARED, KindNode, cut_off, shared
from tests.cluster.kubectl import Kubectl
from tests.cluster.layout import GPU, NODES, PLAIN, Layout
from tests.cluster.programs import Programs

_MANIFESTS = "/etc/kubernetes/manifests"
_KEPT = "/etc/kubernetes"
_LABELS = {PLAIN: {"vedette.io/test-node": PLAIN}, GPU: {"nvidia.com/gpu.present": "true"}}
_START_SECONDS = 900.0


@dataclass
class KindCluster:
    """`program` is kind; `built` as of Cluster."""

    layout: Layout
    built: Callable[[], Programs]
    program: Path
    engine: Engine

    @cached_property
    def kubectl(self) -> Kubectl:
        return Kubectl(self._programs.path("kubectl"), self.layout.kubeconfig)

    @cached_property
    def _programs(self) -> Programs:
        return self.built()

    def up(self) -> None:
        self.down()
        private_folder(self.layout.folder)
        for name in NODES:
            shared(self.layout, name).mkdir(parents=True)
        settings = write(self.layout.folder / "kind.json", json.dumps(self.settings(), indent=1))
        image = os.environ.get("VEDETTE_KIND_IMAGE")
        chosen = ("--image", image) if image else ()
        self._kind("create", "cluster", "--config", str(settings), "--kubeconfig", str(self.layout.kubeconfig), *chosen)
        cut_off(self.engine, self._control)
        self.node(GPU).set_gpus(healthy=CARDS)
        for name in NODES:
            self.node(name).boot()
        for name in NODES:
            self.node(name).wait_ready(180)

    def down(self) -> bool:
        existed = self.exists or self.layout.folder.exists()
        self._kind("delete", "cluster")
        self.engine.asked("network", "rm", self.layout.id)
        if self.layout.folder.exists():
            shutil.rmtree(self.layout.folder)
        return existed

    @property
    def exists(self) -> bool:
        return self.layout.id in self._kind("get", "clusters").split()

    @property
    def healthy(self) -> bool:
        return self.exists and all(self.node(name).ready for name in NODES)

    def node(self, name: str) -> KindNode:
        assert name in NODES, name
        container = self._containers[name]
        return KindNode(name, self.layout, self.kubectl, self.engine, container, self._programs.path("gpu"))

    def load(self, *archives: Archive, nodes: Sequence[str] = NODES) -> None:
        for name in nodes:
            self.node(name).load(archives)

    def kill(self, name: str) -> None:
        """A part of the control plane. Its manifest is taken away first, or the kubelet starts it again at once."""
        self.engine("exec", self._control, "mv", f"{_MANIFESTS}/{name}.yaml", f"{_KEPT}/{name}.kept")
        self.engine.asked("exec", self._control, "pkill", "-9", "-x", name[:15])

    def start(self, name: str) -> None:
        self.engine("exec", self._control, "mv", f"{_KEPT}/{name}.kept", f"{_MANIFESTS}/{name}.yaml")

    @property
    def _control(self) -> str:
        return f"{self.layout.id}-control-plane"

    @cached_property
    def _containers(self) -> dict[str, str]:
        """By the label that each node was given: kind numbers its containers as it likes."""
        found = {}
        for container in self._kind("get", "nodes").split():
            for name in NODES:
                if self.engine.asked("exec", container, "test", "-e", f"{SHARED}/{name}").returncode == 0:
                    found[name] = container
        return found

    def settings(self) -> dict[str, Any]:
        """Read as YAML by kind."""
        return {
            "kind": "Cluster",
            "apiVersion": "kind.x-k8s.io/v1alpha4",
            "name": self.layout.id,
            "nodes": [{"role": "control-plane"}, *map(self._worker, NODES)],
        }

    def _worker(self, name: str) -> dict[str, Any]:
        folder = shared(self.layout, name)
        (folder / name).touch()
        named = {"kind": "JoinConfiguration", "nodeRegistration": {"name": name}}
        return {
            "role": "worker",
            "labels": _LABELS[name],
            "extraMounts": [{"hostPath": str(folder), "containerPath": SHARED}],
            "kubeadmConfigPatches": [json.dumps(named)],
        }

    def _kind(self, *words: str) -> str:
        environment = {**os.environ, "KIND_EXPERIMENTAL_PROVIDER": self.engine.name}
        environment["KIND_EXPERIMENTAL_DOCKER_NETWORK"] = self.layout.id
        name = () if words[:2] == ("get", "clusters") else ("--name", self.layout.id)
        done = subprocess.run(
            [str(self.program), *words, *name],
            env=environment,
            capture_output=True,
            text=True,
            timeout=_START_SECONDS,
            check=False,
        )
        if done.returncode != 0:
            why = " ".join(done.stderr.rpartition("ERROR:")[2].split())[:1000]
            remedy = "An image that cannot be pulled here is brought by `docker load`; VEDETTE_KIND_IMAGE names it."
            raise VedetteError(Code.UNAVAILABLE, f"kind could not {' '.join(words[:2])}: {why}", remedy)
        return done.stdout


def at(folder: Path) -> KindCluster:
    """The one that lives there, or may. VedetteError where there is no container engine."""
    return KindCluster(Layout(folder), programs.built, programs.kind(), engines.found())
