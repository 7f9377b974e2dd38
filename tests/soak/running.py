"""The appliance under test: started in a folder of its own, asked, and stopped whatever happened. Used by the soak."""

from __future__ import annotations

import contextlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil

from appliance.clients.http import ApiClient
from appliance.contracts.detection import Detection
from appliance.contracts.item import Item
from appliance.contracts.run import Run
from appliance.standalone import state, status, sweep
from appliance.standalone.layout import DataFolder
from appliance.standalone.ports import free_ports
from appliance.standalone.report import Progress
from appliance.standalone.status import PartState, PartStatus
from tests.servers import private_environment
from tests.small_disk import small_disk
from tests.soak.proxy import Proxy
from tests.soak.schedule import SERVERS
from tests.soak.verdict import Outcome

_DISK_SIZE = "2g"
_START_SECONDS = 120


@dataclass
class Appliance:
    """`small_disk`: whether the data folder lies on a disk of its own, of 2 GiB, which can be filled."""

    data: DataFolder
    url: str
    process: subprocess.Popen[bytes]
    proxies: dict[str, Proxy]
    small_disk: bool

    @property
    def environment(self) -> dict[str, str]:
        return {**private_environment(), "VEDETTE_DATA": str(self.data.path)}

    def part(self, name: str) -> PartStatus | None:
        found = status.read(self.data)
        return next((part for part in found.parts if part.name == name), None) if found else None

    def family(self, name: str) -> list[psutil.Process]:
        """The processes of a part, itself first; none while it is being started again."""
        part = self.part(name)
        if part is None or part.process_id is None:
            return []
        with contextlib.suppress(psutil.Error):
            process = psutil.Process(part.process_id)
            return [process, *process.children(recursive=True)]
        return []

    def unwell(self) -> str:
        """What is not ready, or does not say so now; nothing when all is well."""
        found = status.read(self.data)
        if found is None:
            return "nothing runs"
        parts = [f"{part.name} is {part.state}" for part in found.parts if part.state is not PartState.READY]
        if parts:
            return ", ".join(parts)
        try:
            answer = httpx.get(f"{self.url}/readyz", timeout=3, trust_env=False)
        except httpx.HTTPError as error:
            return f"/readyz is not answered: {type(error).__name__}"
        return "" if answer.status_code == 200 else f"/readyz answers {answer.text[:500]}"

    def push(self, files: list[Path], dataset: str, until: float) -> None:
        """As a person would: the same command again for as long as it fails."""
        command = [sys.executable, "-m", "appliance.cli.main", "item", "push", *map(str, files), "--dataset", dataset]
        while files:
            done = subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False)
            if done.returncode == 0:
                return
            if time.monotonic() > until:
                raise TimeoutError(f"`vedette item push` still fails: {done.stderr.strip()[-300:]}")
            time.sleep(0.5)

    def vedette(self, *words: str) -> None:
        command = [sys.executable, "-m", "appliance.cli.main", *words]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=120, check=False)
        if done.returncode:
            raise RuntimeError(f"`vedette {' '.join(words)}` ended with {done.returncode}: {done.stderr}")

    def api(self) -> ApiClient:
        return ApiClient(self.url, self.data.token.read_text())

    def outcome(self, dataset: str) -> Outcome:
        with self.api() as api:
            items = list(api.pages(f"/api/datasets/{dataset}/items", Item))
            runs = list(api.pages("/api/runs", Run, {"dataset": dataset}))
            found = {str(run.id): list(api.pages(f"/api/runs/{run.id}/detections", Detection)) for run in runs}
        return Outcome(items, runs, found)

    def states(self, dataset: str) -> list[Run]:
        with self.api() as api:
            return list(api.pages("/api/runs", Run, {"dataset": dataset}))

    def stop(self) -> int:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(60)
        self.process.kill()
        code = self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()
        sweep.sweep(self.data)
        return code


@contextlib.contextmanager
def running(logs: Path | None = None) -> Iterator[Appliance]:
    """Ready to be used; nothing of it is left afterwards, also when interrupted, but a copy of its `logs` if asked for."""
    folder = Path(tempfile.mkdtemp(prefix="vedette-soak-"))
    try:
        with small_disk(folder, _DISK_SIZE) as mounted:
            data = DataFolder.of(folder / "data")
            ports = free_ports(len(SERVERS))
            proxies = {name: Proxy(port, _port_of(data, name)) for name, port in zip(SERVERS, ports, strict=True)}
            command = [sys.executable, "-m", "tests.soak.appliance", "--data", str(data.path), "--proxies"]
            process = subprocess.Popen(
                [*command, *map(str, ports)],
                env=private_environment(),
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
            found = Appliance(data, "", process, proxies, mounted)
            try:
                found.url = _ready(process)
                yield found
            finally:
                found.stop()
                if logs is not None:
                    shutil.copytree(data.logs, logs, dirs_exist_ok=True)
                for proxy in proxies.values():
                    proxy.close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _ready(process: subprocess.Popen[bytes]) -> str:
    assert process.stdout is not None
    deadline = time.monotonic() + _START_SECONDS
    for line in process.stdout:
        progress = Progress.model_validate_json(line)
        if progress.failed is not None or time.monotonic() > deadline:
            raise RuntimeError(f"it does not start: {progress.failed}")
        if progress.ready is not None:
            return progress.ready.url
    raise RuntimeError("it ended while it started")


def _port_of(data: DataFolder, name: str) -> Callable[[], int]:
    def ask() -> int:
        chosen = state.load(data)
        if chosen is None:
            raise ConnectionRefusedError
        return {"postgres": chosen.postgres_port, "nats": chosen.nats_port, "store": chosen.store_ports[0]}[name]

    return ask
