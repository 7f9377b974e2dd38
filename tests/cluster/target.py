"""What tests and `python -m tests.cluster` ask of a cluster, whatever it is made of: cluster.py needs no engine, kind_cluster.py is kind's."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Protocol, TypeVar

from tests.cluster import preflight
from tests.cluster.feeding import Archive
from tests.cluster.joined import Joined
from tests.cluster.kubectl import Kubectl
from tests.cluster.layout import Layout


class Target(Protocol):
    layout: Layout

    @property
    def kubectl(self) -> Kubectl:
        """As its administrator."""

    def up(self) -> None:
        """Start it from nothing; ready for pods on return."""

    def down(self) -> bool:
        """End and remove all that there is of it. Whether there was anything."""

    @property
    def exists(self) -> bool:
        """Whether it was started."""

    @property
    def healthy(self) -> bool:
        """Whether it wants nothing."""

    def node(self, name: str) -> Joined:
        """`plain` or `gpu`."""

    def load(self, *archives: Archive, nodes: Sequence[str] = ...) -> None:
        """Bring images, each an OCI or docker archive, to both nodes or to those named."""

    def kill(self, name: str) -> None:
        """A part of the control plane, such as `kube-apiserver`."""

    def start(self, name: str) -> None:
        """After `kill`."""


T = TypeVar("T", bound=Target)


@contextlib.contextmanager
def running(target: T) -> Iterator[T]:
    """Started, and gone afterwards, also when starting it failed or was interrupted."""
    with preflight.sole(target.layout):
        try:
            target.up()
            yield target
        finally:
            target.down()
