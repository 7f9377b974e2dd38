"""The chart rendered by a real helm. Run by `make test-cluster`; `make test` leaves these out, for helm is built first.

release      Rendered: once for each case of values in values/
server       ApiServer without a node, with a namespace that enforces the restricted pod security standard
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.charts.chart import CASES, NAMESPACE, Rendered, rendered
from tests.cluster_crds.api_server import ApiServer, serving
from tests.servers import temporary_folder


@pytest.fixture(params=CASES)
def release(request: pytest.FixtureRequest) -> Rendered:
    return rendered(request.param)


@pytest.fixture(scope="session")
def server() -> Iterator[ApiServer]:
    with temporary_folder() as folder, serving(folder) as server:
        server.kubectl("create", "namespace", NAMESPACE)
        standard = [f"pod-security.kubernetes.io/{mode}=restricted" for mode in ("enforce", "warn", "audit")]
        server.kubectl("label", "namespace", NAMESPACE, *standard)
        yield server
