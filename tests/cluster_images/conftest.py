"""The product's images on the cluster of tests/cluster. Run by `make test-cluster`; `make test` leaves these out.

loaded       Cluster whose node `plain` has the images that these tests run, built from this checkout
pods         Pods: runs them by digest, without rights and with a root that they cannot write
"""

from __future__ import annotations

from pathlib import Path

import pytest

from images.__main__ import build
from tests.cluster.cluster import Cluster
from tests.cluster.conftest import built, cluster, namespace
from tests.cluster.layout import PLAIN
from tests.cluster.product import product
from tests.cluster_images.pods import Pods

__all__ = ["built", "cluster", "namespace"]
_HERE = Path(__file__).parent
NAMES = ("api", "media", "inference", "operator", "postgres", "nats", "objectstore", "seaweedfs", "pause")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Only who names this folder gets its tests."""
    named = [Path(config.invocation_params.dir, argument.split("::")[0]).resolve() for argument in config.args]
    return None if any(path == _HERE or _HERE in path.parents for path in named) else True


@pytest.fixture(scope="session")
def loaded(cluster: Cluster) -> Cluster:
    build(NAMES)
    cluster.load(product(*NAMES), nodes=[PLAIN])
    return cluster


@pytest.fixture
def pods(loaded: Cluster, namespace: str) -> Pods:
    loaded.node(PLAIN).wait_ready()
    return Pods(loaded.kubectl, namespace)
