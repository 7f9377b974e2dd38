"""The chart rendered by a real helm. Run by `make test-cluster`; `make test` leaves these out, for helm is built first.

release      Rendered: once for each case of values in values/
server       ApiServer without a node, with a namespace that enforces the restricted pod security standard
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.charts.chart import CASES, NAMESPACE, Rendered, rendered
from tests.cluster_crds.api_server import ApiServer, serving
from tests.servers import temporary_folder

_HERE = Path(__file__).parent


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Only who names this folder gets its tests."""
    named = [Path(config.invocation_params.dir, argument.split("::")[0]).resolve() for argument in config.args]
    return None if any(path == _HERE or _HERE in path.parents for path in named) else True


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
