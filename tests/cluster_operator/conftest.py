"""A real API server with our CRDs and no node, NATS, an object store, and the operator as a process. Run by `make test-cluster`.

place        Place: a namespace of the test's own, in which nobody works yet
operator     Operator: one that works there
environment  what the Secret of the chart says: VEDETTE_STORE_*, VEDETTE_NATS_*
"""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import pytest

from appliance.clients.objectstore import ObjectStore
from tests.cluster_crds.api_server import ApiServer, serving_ours
from tests.cluster_operator.place import Place
from tests.cluster_operator.process import Operator, operating
from tests.conftest import MessagingServer, StoreServer


@pytest.fixture(scope="session")
def api() -> Iterator[ApiServer]:
    with serving_ours() as server:
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
