"""The product's images on the cluster of tests/cluster. Run by `make test-cluster`; `make test` leaves these out.

loaded       Cluster whose node `plain` has the images that these tests run, built from this checkout
pods         Pods: runs them by digest, without rights and with a root that they cannot write
"""

from __future__ import annotations

import pytest

from images.__main__ import build
from tests.cluster.cluster import Cluster
from tests.cluster.layout import PLAIN
from tests.cluster.product import product
from tests.cluster_images.pods import Pods

NAMES = ("api", "media", "inference", "operator", "postgres", "nats", "objectstore", "seaweedfs", "pause")


@pytest.fixture(scope="session")
def loaded(cluster: Cluster) -> Cluster:
    build(NAMES)
    cluster.load(product(*NAMES), nodes=[PLAIN])
    return cluster


@pytest.fixture
def pods(loaded: Cluster, namespace: str) -> Pods:
    loaded.node(PLAIN).wait_ready()
    return Pods(loaded.kubectl, namespace)
