"""A real API server with our CRDs and no node, NATS, an object store, and the operator as a process. Run by `make test-cluster`.

place        Place: a namespace of the test's own, in which nobody works yet
operator     Operator: one that works there
environment  what the Secret of the chart says: VEDETTE_STORE_*, VEDETTE_NATS_*
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from appliance.clients.objectstore import ObjectStore
from tests.cluster_crds.api_server import ROOT, ApiServer, serving
from tests.cluster_operator.place import Place
from tests.cluster_operator.process import Operator, operating
from tests.conftest import MessagingServer, StoreServer
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


@pytest.fixture
def place(api: ApiServer, object_store: StoreServer) -> Place:
    """Namespaces are left: without their controller none would ever end."""
    name = f"p{uuid4().hex[:6]}"
    api.kubectl("create", "namespace", name)
    store = ObjectStore(object_store.settings, 5.0)
    store.ensure_bucket()
    return Place(api, name, store, f"m{name}")


@pytest.fixture
def environment(object_store: StoreServer, nats_server: MessagingServer) -> dict[str, str]:
    return {**object_store.environment, **nats_server.environment}


@pytest.fixture
def operator(place: Place, environment: dict[str, str]) -> Iterator[Operator]:
    with operating(place.api.kubeconfig, place.namespace, environment) as running:
        yield running
