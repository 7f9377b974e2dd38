"""The process itself: starts from its environment, serves two side by side, and ends cleanly with a stream open."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx

from appliance.api import admin
from appliance.api.main import working_in
from appliance.standalone.ports import free_ports
from tests.conftest import MessagingServer, StoreServer


def test_files_in_work_go_with_the_process_or_with_the_next(tmp_path: Path) -> None:
    killed = tmp_path / "process-killed"
    killed.mkdir()
    (killed / ".lock").touch()
    (killed / "detections.parquet").write_bytes(b"half of it")
    with working_in(tmp_path):
        assert not killed.exists()
        with tempfile.NamedTemporaryFile() as file, working_in(tmp_path):
            assert Path(file.name).parent.parent == tmp_path, "another process took what is in work"
            assert Path(file.name).exists()
    assert list(tmp_path.iterdir()) == []
    with tempfile.NamedTemporaryFile() as file:
        assert tmp_path not in Path(file.name).parents


def _start(environment: dict[str, str], port: int, log: Path) -> subprocess.Popen[bytes]:
    with log.open("wb") as stream:
        return subprocess.Popen(
            [sys.executable, "-m", "appliance.api.main"],
            env={**os.environ, **environment, "VEDETTE_API_PORT": str(port)},
            stdout=stream,
            stderr=stream,
        )


def _wait(url: str, log: Path) -> None:
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        try:
            if httpx.get(f"{url}/readyz", timeout=5).status_code == 200:
                return
        except httpx.HTTPError:
            time.sleep(0.3)
    raise AssertionError(log.read_text())


def test_two_processes_start_serve_and_stop(
    database_url: str, nats_server: MessagingServer, object_store: StoreServer, tmp_path: Path
) -> None:
    environment = {"VEDETTE_DATABASE_URL": database_url, **nats_server.environment, **object_store.environment}
    ports = free_ports(2)
    logs = [tmp_path / f"{port}.log" for port in ports]
    processes = [_start(environment, port, log) for port, log in zip(ports, logs, strict=True)]
    try:
        for port, log in zip(ports, logs, strict=True):
            _wait(f"http://127.0.0.1:{port}", log)
        token = asyncio.run(admin.create_token(database_url))
        bearer = {"Authorization": f"Bearer {token}"}
        first, second = (httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=bearer) for port in ports)
        with first, second:
            assert first.post("/api/datasets", json={"name": "shared"}).status_code == 201
            assert second.get("/api/datasets/shared").status_code == 200
            assert second.get("/api/workers").json() == {"items": [], "next": None}
            with first.stream("GET", "/api/events") as stream:
                lines = stream.iter_lines()
                assert next(lines).startswith("retry:")
                began = time.monotonic()
                processes[0].send_signal(signal.SIGTERM)
                assert not [line for line in lines if line.startswith("data:")], "it ends, and says nothing more"
            assert processes[0].wait(20) in {0, -signal.SIGTERM}
            assert time.monotonic() - began < 9
            assert second.get("/api/datasets/shared").status_code == 200
        for log in logs:
            assert "Traceback" not in log.read_text(), log.read_text()
            assert token not in log.read_text()
    finally:
        for process in processes:
            process.kill()
            process.wait()


def test_missing_settings_are_named(tmp_path: Path) -> None:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("VEDETTE_")}
    done = subprocess.run(
        [sys.executable, "-m", "appliance.api.main"], env=environment, capture_output=True, timeout=60
    )
    assert done.returncode == 2
    assert b"url" in done.stderr
    assert b"Traceback" not in done.stderr
