"""The page of an appliance that keeps its Detectors and TrainingJobs in a real API server. Run by `make test-cluster`.

cluster      ApiServer with both CRDs and the namespace `page`; no operator: a test writes the status itself
stack        Stack: the whole appliance, whose API follows that namespace
signed_in    a page of it, signed in as its administrator
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.browser import conftest as pages
from tests.cluster_crds.api_server import ApiServer, serving_ours
from tests.conftest import Stack, appliance_up

NAMESPACE = "page"

ask = pages.ask
browser = pages.browser
context = pages.context
page = pages.page
detector = pages.detector
signed_in = pages.signed_in


@pytest.fixture(scope="session")
def cluster() -> Iterator[ApiServer]:
    with serving_ours() as server:
        server.kubectl("create", "namespace", NAMESPACE)
        yield server


@pytest.fixture(scope="session")
def stack(cluster: ApiServer) -> Iterator[Stack]:
    settings = {"KUBECONFIG": str(cluster.kubeconfig), "VEDETTE_API_KUBERNETES_NAMESPACE": NAMESPACE}
    with appliance_up(settings) as started:
        yield started
