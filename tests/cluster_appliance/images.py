"""The product's images, as `make images` builds them, onto the nodes that use them. Used by conftest.py."""

from __future__ import annotations

from images.__main__ import VALUES
from tests.cluster.product import product
from tests.cluster.target import Target

__all__ = ["VALUES", "load", "load_workers"]

_SERVERS = ("api", "media", "operator", "nats", "objectstore", "postgres", "inference")


def load(cluster: Target) -> None:
    """Servers on one node, what needs a card on the other."""
    cluster.load(product(*_SERVERS), nodes=["plain"])
    load_workers(cluster)


def load_workers(cluster: Target) -> None:
    cluster.load(product("inference", "training"), nodes=["gpu"])
