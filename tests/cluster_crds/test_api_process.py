"""The API's process as a pod runs it: no migrations of its own, its resources in a real API server, and the command line before
it. And what `kubectl exec` starts in it, where nothing can be written."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import yaml

from appliance.api.migrate import migrate
from appliance.standalone.ports import LOOPBACK, free_ports
from appliance.standalone.service import Service
from tests.api import samples
from tests.cluster_crds.api_server import ApiServer
from tests.conftest import MessagingServer, StoreServer
from tests.servers import private_environment, running

NAMESPACE = "process"


@dataclass
class Process:
    url: str
    environment: dict[str, str]

    def python(self, *words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", *words]
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture
def process(
    api: ApiServer, database_url: str, nats_server: MessagingServer, object_store: StoreServer, tmp_path: Path
) -> Iterator[Process]:
    with contextlib.suppress(Exception):
        api.kubectl("create", "namespace", NAMESPACE)
    [port] = free_ports(1)
    environment = {
        **private_environment(),
        **nats_server.environment,
        **object_store.environment,
        "KUBECONFIG": str(api.kubeconfig),
        "VEDETTE_DATABASE_URL": database_url,
        "VEDETTE_API_PORT": str(port),
        "VEDETTE_API_PUBLIC_URL": "https://vedette.site",
        "VEDETTE_API_MIGRATE": "false",
        "VEDETTE_API_MIGRATE_WAIT_SECONDS": "60",
        "VEDETTE_API_KUBERNETES_NAMESPACE": NAMESPACE,
        "VEDETTE_STORE_PUBLIC_ENDPOINT": _public(object_store),
    }
    migrate(database_url)
    url = f"http://{LOOPBACK}:{port}"
    command = (sys.executable, "-m", "appliance.api.main")
    service = Service("api", command, tmp_path, lambda _: _is_ready(url), environment, ready_seconds=60)
    with running(service, tmp_path):
        yield Process(url, environment)
    api.kubectl("delete", "det,tj", "--all", "-n", NAMESPACE)


def _public(store: StoreServer) -> str:
    """Another name of it than pods use."""
    return store.settings.endpoint.replace(LOOPBACK, "localhost")


def _is_ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/readyz", timeout=2).status_code == 200
    except httpx.TransportError:
        return False


def test_a_pod_whose_database_is_older_says_so_and_ends(process: Process, new_database: Callable[[], str]) -> None:
    environment = {
        **process.environment,
        "VEDETTE_DATABASE_URL": new_database(),
        "VEDETTE_API_MIGRATE_WAIT_SECONDS": "0",
    }
    ended = Process(process.url, environment).python("appliance.api.main")
    assert ended.returncode == 2
    assert "without tables" in ended.stderr
    assert "appliance.api.migrate" in ended.stderr


def test_the_command_line_applies_the_resource_there(process: Process, api: ApiServer, tmp_path: Path) -> None:
    package = samples.package(tmp_path / "crowns", version="1.4.0")
    document = {
        "apiVersion": "vedette.io/v1alpha1",
        "kind": "Detector",
        "metadata": {"name": "crowns"},
        "spec": {"model": {"storageUri": f"file://{package.folder}", "digest": package.digest}},
    }
    file = tmp_path / "detector.yaml"
    file.write_text(yaml.safe_dump(document))
    token = process.python("appliance.api.admin", "token").stdout.strip()
    process.environment |= {"VEDETTE_TOKEN": token, "VEDETTE_URL": process.url}
    for _ in range(2):
        done = process.python("appliance.cli.main", "detector", "apply", "-f", str(file), "--json")
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["metadata"]["namespace"] == NAMESPACE
    there = api.get("det", "crowns", "-n", NAMESPACE)
    assert there["spec"]["model"] == {"storageUri": "s3://vedette/models/crowns/1.4.0", "digest": package.digest}
    assert "runningPoint" not in there["spec"]
    assert there["metadata"]["annotations"]["vedette.io/applied-by"] == "administrator"
    shown = {"Authorization": f"Bearer {token}"}
    assert httpx.get(f"{process.url}/api/detectors/crowns/1.4.0", headers=shown).status_code == 200


def test_a_browser_at_the_public_address_signs_in_and_works(process: Process, object_store: StoreServer) -> None:
    link = process.python("appliance.api.admin", "link").stdout.strip()
    assert link.startswith("https://vedette.site/")
    ours = {"Host": "vedette.site", "Origin": "https://vedette.site"}
    with httpx.Client(base_url=process.url) as browser:
        signed_in = browser.post("/api/session", json={"link": link.partition("link=")[2]}, headers=ours)
        assert signed_in.status_code == 200, (link, signed_in.text)
        cookie = signed_in.headers["set-cookie"]
        assert "Secure" in cookie
        shown = {"Cookie": cookie.split(";")[0], **ours}
        made = browser.post("/api/datasets", json={"name": "port"}, headers=shown)
        assert made.status_code == 201, made.text
        assert f"connect-src 'self' {_public(object_store)}" in made.headers["content-security-policy"]
        foreign = browser.post("/api/datasets", json={"name": "x"}, headers={**shown, "Origin": "https://else.site"})
        assert foreign.status_code == 403
        item = {"name": "a.tif", "size_bytes": 10, "sha256": f"sha256:{'a' * 64}"}
        announced = browser.post("/api/datasets/port/items", json=item, headers=shown).json()
        assert announced["upload"]["parts"][0]["url"].startswith(_public(object_store))


def test_tokens_and_links_are_made_where_nothing_can_be_written(process: Process) -> None:
    words = (
        f"mount --make-rprivate / && mount -o remount,ro,bind / && exec {sys.executable} -m appliance.api.admin token"
    )
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", words],
        env={**process.environment, "HOME": "/nonexistent", "TMPDIR": "/nonexistent"},
        cwd=os.curdir,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.strip()) > 20
