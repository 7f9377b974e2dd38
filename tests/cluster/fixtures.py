"""One cluster for all tests that ask for it: started once per session by the code of `make cluster`, gone afterwards.

    cluster      Cluster: kubectl, node(), kill() and start() of parts, load() of images
    namespace    a fresh Kubernetes namespace for this test

These need root and programs that take a while to build, so `make test` leaves them out and `make test-cluster` runs them.
A test that harms the cluster heals it before it ends.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster import preflight, programs
from tests.cluster.cluster import Cluster, running_cluster
from tests.cluster.programs import Programs


def _folder() -> Path:
    """One per checkout: a run that was killed is cleared by the next."""
    checkout = hashlib.sha256(str(programs.REPOSITORY).encode()).hexdigest()[:8]
    return Path(tempfile.gettempdir()) / f"vedette-cluster-{os.geteuid()}-{checkout}"


@pytest.fixture(scope="session")
def built() -> Programs:
    preflight.check()
    return programs.built()


@pytest.fixture(scope="session")
def cluster(built: Programs) -> Iterator[Cluster]:
    with running_cluster(_folder(), lambda: built) as cluster:
        yield cluster


@pytest.fixture
def namespace(cluster: Cluster) -> Iterator[str]:
    name = f"test-{secrets.token_hex(4)}"
    cluster.kubectl("create", "namespace", name)
    cluster.running.wait_until(
        "the namespace's service account",
        lambda: bool(
            cluster.kubectl("-n", name, "get", "serviceaccount", "default", "--ignore-not-found", "-o", "name")
        ),
    )
    yield name
    cluster.kubectl("delete", "namespace", name, "--wait=false")
