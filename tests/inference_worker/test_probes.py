"""What a worker's probes say while its queue is away and when it is back: it must not be killed for that."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from appliance.standalone.credentials import Credentials
from appliance.standalone.ports import free_ports
from appliance.standalone.services.nats import Nats
from tests.conftest import StoreServer
from tests.servers import private_environment, running, temporary_folder

pytestmark = pytest.mark.timeout(180)


def test_a_worker_whose_queue_went_away_lives_and_is_ready_when_it_is_back(
    object_store: StoreServer, tmp_path: Path
) -> None:
    [queue_port, port] = free_ports(2)
    with temporary_folder() as folder, (tmp_path / "worker.log").open("wb") as log:
        nats = Nats(folder / "nats", queue_port, Credentials(folder / "secrets"))
        settings = nats.settings()
        told = {
            "VEDETTE_NATS_URL": settings.url,
            "VEDETTE_NATS_USER": settings.user,
            "VEDETTE_NATS_PASSWORD": settings.password.get_secret_value(),
            "VEDETTE_WORK_FOLDER": str(tmp_path / "work"),
            "VEDETTE_WORK_METRICS_PORT": str(port),
        }
        with running(nats.service(), folder) as server:
            command = [sys.executable, "-m", "appliance.inference.worker"]
            environment = private_environment() | object_store.environment | told
            worker = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
            try:
                _await(port, 200, worker)
                server.stop()
                _await(port, 503, worker)
                server.start()
                _await(port, 200, worker)
            finally:
                worker.terminate()
                worker.wait(60)


def _await(port: int, ready: int, worker: subprocess.Popen[bytes]) -> None:
    """Until /readyz says so; /healthz is well all the while once it answers."""
    deadline = time.monotonic() + 60
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as http:
        while time.monotonic() < deadline:
            assert worker.poll() is None
            try:
                said = http.get("/healthz").status_code, http.get("/readyz").status_code
            except httpx.TransportError:
                said = (200, 0)
            assert said[0] == 200
            if said[1] == ready:
                return
            time.sleep(0.5)
    raise AssertionError(f"/readyz never said {ready}")
