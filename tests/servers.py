"""Real servers for tests: what the fixtures of conftest.py hand out."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import Popen

from appliance.standalone import processes
from appliance.standalone.service import Service


@dataclass
class Server:
    """One running server. `kill` is kill -9; `start` starts it again on the same port and data."""

    service: Service
    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    process: Popen[bytes] | None = None

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def start(self) -> None:
        self.service.prepare()
        with (self.folder / "log").open("ab") as log:
            self.process = processes.start(self.service, log)
        if not processes.wait_ready(self.service, self.process):
            processes.stop(self.process, self.service)
            raise RuntimeError(f"{self.service.name} did not become ready:\n{self.log}")
        self.service.once_ready()

    def stop(self) -> None:
        if self.process is not None:
            processes.stop(self.process, self.service)
            self.process = None

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        processes.kill_group(self.process.pid)
        self.process.wait()
        self.process = None


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """A private folder that is gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="vedette-test-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def running(service: Service, folder: Path, environment: Mapping[str, str] | None = None) -> Iterator[Server]:
    server = Server(service, folder, environment or {})
    try:
        server.start()
        yield server
    finally:
        server.stop()


def private_environment() -> dict[str, str]:
    """Our own environment without any VEDETTE_* setting."""
    return {name: value for name, value in os.environ.items() if not name.startswith("VEDETTE_")}
