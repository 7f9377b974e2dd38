"""A real API server that has our CRDs, started once per session. Run by `make test-cluster`; `make test` leaves these out.

api          ApiServer with both CRDs Established
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster_crds.api_server import ROOT, ApiServer, serving
from tests.servers import temporary_folder

_HERE = Path(__file__).parent


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Only who names this folder gets its tests: they need programs that take a while to build."""
    named = [Path(config.invocation_params.dir, argument.split("::")[0]).resolve() for argument in config.args]
    return None if any(path == _HERE or _HERE in path.parents for path in named) else True


@pytest.fixture(scope="session")
def api() -> Iterator[ApiServer]:
    with temporary_folder() as folder, serving(folder) as server:
        server.kubectl("apply", "--server-side", "-f", str(ROOT / "crds"))
        server.kubectl("wait", "--for=condition=Established", "--timeout=60s", "-f", str(ROOT / "crds"))
        yield server
