"""The model cache as a process, against a real store; and what workers do where it is away or wrong."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from appliance.clients.objectstore import ObjectStore
from appliance.contracts import keys
from appliance.formats import model_package
from appliance.formats.model_package import ModelPackage
from appliance.inference import worker_packages
from appliance.standalone.ports import free_ports
from tests import blobs
from tests.conftest import StoreServer
from tests.servers import private_environment

pytestmark = pytest.mark.timeout(90)
PREFIX = keys.model_prefix("cached", "1.0.0")


@pytest.fixture
def store(object_store: StoreServer) -> ObjectStore:
    made = ObjectStore(object_store.settings)
    made.ensure_bucket()
    return made


@pytest.fixture
def package(store: ObjectStore, tmp_path: Path) -> ModelPackage:
    made = blobs.write_package(tmp_path / "package", name="cached")
    for name in model_package.files_of(made.manifest):
        store.put_file(PREFIX + name, made.folder / name, "application/octet-stream")
    return made


@pytest.fixture
def serving(object_store: StoreServer, tmp_path: Path) -> Iterator[tuple[str, str]]:
    """The address for packages and that for probes and metrics."""
    port, watched = free_ports(2)
    environment = {
        "VEDETTE_WORK_FOLDER": str(tmp_path / "cache"),
        "VEDETTE_WORK_METRICS_PORT": str(watched),
        "VEDETTE_MODEL_CACHE_HOST": "127.0.0.1",
        "VEDETTE_MODEL_CACHE_PORT": str(port),
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "appliance.inference.model_cache"],
        env=private_environment() | object_store.environment | environment,
    )
    try:
        deadline = time.monotonic() + 30
        while not _ready(f"http://127.0.0.1:{watched}/readyz"):
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}", f"http://127.0.0.1:{watched}"
        process.terminate()
        assert process.wait(25) in (0, -15)
    finally:
        process.kill()
        process.wait()


def _ready(url: str) -> bool:
    try:
        return httpx.get(url, trust_env=False).status_code == 200
    except httpx.TransportError:
        return False


def _figure(watched: str, name: str) -> float:
    lines = httpx.get(f"{watched}/metrics", trust_env=False).text.splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith(f"{name} "))


def test_many_workers_take_a_package_that_is_fetched_once(
    serving: tuple[str, str], store: ObjectStore, package: ModelPackage, tmp_path: Path
) -> None:
    url, watched = serving
    caches = [worker_packages.kept_in(tmp_path / f"worker{number}", store, url) for number in range(4)]
    with ThreadPoolExecutor(4) as threads:
        got = list(threads.map(lambda cache: cache.get(PREFIX, package.digest), caches))
    assert {each.digest for each in got} == {package.digest}
    size = sum((package.folder / name).stat().st_size for name in model_package.FILES)
    assert _figure(watched, "vedette_model_cache_fetches_total") == 1
    assert _figure(watched, "vedette_model_cache_sent_bytes_total") == 4 * size
    assert _figure(watched, "vedette_model_cache_resident_bytes") == size
    store.delete(PREFIX + name for name in model_package.FILES)
    again = worker_packages.kept_in(tmp_path / "late", store, url)
    assert again.get(PREFIX, package.digest).digest == package.digest, "the store was needed"


@pytest.mark.parametrize(
    "path",
    [
        "cached/1.0.0/{0}/secrets",
        "cached/1.0.0/{1}/model.onnx",
        "CACHED/1.0.0/{0}/model.onnx",
        "cached/1.0.0/zz/model.onnx",
    ],
)
def test_what_is_no_file_of_a_package_is_not_given(serving: tuple[str, str], package: ModelPackage, path: str) -> None:
    digest = package.digest.removeprefix("sha256:")
    asked = path.format(digest, "0" * 64)
    assert httpx.get(f"{serving[0]}/packages/{asked}", trust_env=False).status_code == 404


def test_a_worker_reads_the_store_where_the_cache_is_away(
    store: ObjectStore, package: ModelPackage, tmp_path: Path
) -> None:
    away = f"http://127.0.0.1:{free_ports(1)[0]}"
    cache = worker_packages.kept_in(tmp_path / "worker", store, away)
    assert cache.get(PREFIX, package.digest).digest == package.digest


def test_a_worker_reads_the_store_where_the_cache_gives_something_else(
    serving: tuple[str, str], store: ObjectStore, package: ModelPackage, tmp_path: Path
) -> None:
    worker_packages.kept_in(tmp_path / "first", store, serving[0]).get(PREFIX, package.digest)
    [kept] = (tmp_path / "cache" / "packages").glob("[0-9a-f]*")
    (kept / "MODEL_CARD.md").write_text("another")
    cache = worker_packages.kept_in(tmp_path / "second", store, serving[0])
    assert cache.get(PREFIX, package.digest).digest == package.digest
