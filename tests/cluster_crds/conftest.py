"""A real API server that has our CRDs, started once per session. Run by `make test-cluster`; `make test` leaves these out.

api          ApiServer with both CRDs Established
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.cluster_crds.api_server import ApiServer, serving_ours


@pytest.fixture(scope="session")
def api() -> Iterator[ApiServer]:
    with serving_ours() as server:
        yield server
