"""Tests of the cluster itself, on the one of fixtures.py.

pods         PodRunner: run a pod of busybox on a node, and commands in it
"""

from __future__ import annotations

import pytest

from tests.cluster.cluster import Cluster
from tests.cluster.layout import NODES
from tests.cluster.pods import PodRunner


@pytest.fixture
def pods(cluster: Cluster, namespace: str) -> PodRunner:
    for name in NODES:
        cluster.node(name).wait_ready()
    return PodRunner(cluster.kubectl, namespace)
