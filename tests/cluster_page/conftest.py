"""The page of an appliance that keeps its Detectors and TrainingJobs in a real API server. Run by `make test-cluster`.

cluster      ApiServer with both CRDs and the namespace `page`; no operator: a test writes the status itself
stack        Stack: the whole appliance, whose API follows that namespace
signed_in    a page of it, signed in as its administrator
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser import conftest as pages
from tests.cluster_crds.api_server import ROOT, ApiServer, serving
from tests.conftest import Stack, appliance_up
from tests.servers import temporary_folder

NAMESPACE = "page"
_HERE = Path(__file__).parent

ask = pages.ask
browser = pages.browser
context = pages.context
page = pages.page
detector = pages.detector
signed_in = pages.signed_in


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Only who names this folder gets its tests: they need programs that take a while to build."""
    named = [Path(config.invocation_params.dir, argument.split("::")[0]).resolve() for argument in config.args]
    return None if any(path == _HERE or _HERE in path.parents for path in named) else True


@pytest.fixture(scope="session")
def cluster() -> Iterator[ApiServer]:
    with temporary_folder() as folder, serving(folder) as server:
        server.kubectl("apply", "--server-side", "-f", str(ROOT / "crds"))
        server.kubectl("wait", "--for=condition=Established", "--timeout=60s", "-f", str(ROOT / "crds"))
        server.kubectl("create", "namespace", NAMESPACE)
        yield server


@pytest.fixture(scope="session")
def stack(cluster: ApiServer) -> Iterator[Stack]:
    settings = {"KUBECONFIG": str(cluster.kubeconfig), "VEDETTE_API_KUBERNETES_NAMESPACE": NAMESPACE}
    with appliance_up(settings) as started:
        yield started
