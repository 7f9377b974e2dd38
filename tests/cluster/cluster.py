"""A real Kubernetes on this machine: a control plane and two nodes, one of them with GPUs, without a way out.

    with running_cluster(folder) as cluster:        # or `make cluster`, `make cluster-down`
        cluster.kubectl("get", "nodes")
        cluster.node("gpu").set_gpus(healthy=0)
        cluster.kill("kube-apiserver"); cluster.start("kube-apiserver")
        cluster.node("gpu").stop(); cluster.node("gpu").start()

Called by __main__.py and conftest.py. Puts the parts together; what they are is in control.py and nodes.py.
"""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path

from tests.cluster import cgroups, control, nodes
from tests.cluster.addresses import Addresses
from tests.cluster.bootstrap import manifests
from tests.cluster.feeding import Archive
from tests.cluster.files import private_folder
from tests.cluster.images import archives
from tests.cluster.kubectl import Kubectl, KubectlError
from tests.cluster.layout import CONTROL, NODES, Layout
from tests.cluster.namespaces import remove_link, unused_network
from tests.cluster.node import Node
from tests.cluster.parts import Part
from tests.cluster.programs import Programs
from tests.cluster.running import EndedError, Running
from tests.cluster.state import State, save
from tests.cluster.target import running

_FIRST = ("etcd", "kube-apiserver")  # the others give up on an API server that is not there yet


class Cluster:
    """`built` makes the programs, which may take long: it is called when one is wanted, and to remove a cluster wants none."""

    def __init__(self, layout: Layout, built: Callable[[], Programs], *, orphans: bool) -> None:
        self.layout = layout
        self.running = Running(layout, orphans=orphans)
        self._built = built

    @cached_property
    def kubectl(self) -> Kubectl:
        return Kubectl(self._programs.path("kubectl"), self.layout.kubeconfig)

    @cached_property
    def _programs(self) -> Programs:
        return self._built()

    def up(self) -> None:
        """Start it from nothing, after clearing what is left of an earlier one; ready for pods on return."""
        clear(self.layout)
        private_folder(self.layout.folder)
        addresses = Addresses(unused_network())
        save(State(network=addresses.network), self.layout.state)
        authority = control.prepare(self.layout, addresses)
        for name in NODES:
            nodes.prepare(name, self.layout, addresses, authority)
        self.running.open(CONTROL)
        for name in _FIRST:
            self.start(name)
        images = archives()
        for name in NODES:
            self.node(name).boot(images)
        self._bootstrap(addresses)
        for name in NODES:
            self.node(name).join()
        for name in NODES:
            self.node(name).wait_ready()

    def down(self) -> bool:
        return clear(self.layout)

    @property
    def exists(self) -> bool:
        return self.layout.state.exists()

    @property
    def healthy(self) -> bool:
        """Whether an earlier `up` left one that wants nothing."""
        try:
            return not self.running.ended() and all(self.node(name).ready for name in NODES)
        except (EndedError, KubectlError):
            return False

    def _bootstrap(self, addresses: Addresses) -> None:
        self.running.wait_until("the API server's readiness", lambda: self.kubectl("get", "--raw", "/readyz") == "ok")
        for part in control.parts(self.layout, addresses, self._programs):
            self.running.start(part)
        self.kubectl("apply", "-f", "-", given=json.dumps(manifests(addresses)))
        self.running.wait_until(
            "the service account of the first pods",
            lambda: bool(self.kubectl("get", "serviceaccount", "default", "--ignore-not-found", "-o", "name")),
        )

    def node(self, name: str) -> Node:
        """`plain` or `gpu`."""
        assert name in NODES, name
        parts = nodes.parts(name, self.layout, self.running.addresses, self._programs)
        return Node(name, self.layout, self.kubectl, self.running, parts)

    def start(self, name: str) -> None:
        """Start a part (`kube-apiserver`, `kubelet@gpu`) that was killed; what waits for it goes on by itself."""
        self.running.start(self._part(name))

    def kill(self, name: str) -> None:
        """Kill a part and nothing else: what it started lives on."""
        self.running.end(self._part(name).name)

    def load(self, *archives: Archive, nodes: Sequence[str] = NODES) -> None:
        """Bring images, each an OCI or docker archive, to both nodes or to those named."""
        with ThreadPoolExecutor() as pool:
            list(pool.map(lambda name: self.node(name).load(archives), nodes))

    def _part(self, name: str) -> Part:
        addresses = self.running.addresses
        known = {part.name: part for part in control.parts(self.layout, addresses, self._programs)}
        for node in NODES:
            known |= {part.name: part for part in nodes.parts(node, self.layout, addresses, self._programs)}
        assert name in known, f"{name} is not one of {sorted(known)}"
        return known[name]


def clear(layout: Layout) -> bool:
    """End and remove all that there is of a cluster, however it came to be there. Whether there was anything."""
    found = bool(cgroups.processes(layout.id)) or layout.folder.exists()
    cgroups.kill(layout.id)
    cgroups.remove(layout.id)
    remove_link(layout.id)
    if layout.folder.exists():
        shutil.rmtree(layout.folder)
    return found


def running_cluster(folder: Path, built: Callable[[], Programs]) -> contextlib.AbstractContextManager[Cluster]:
    """A cluster that is gone afterwards."""
    return running(Cluster(Layout(folder), built, orphans=False))
