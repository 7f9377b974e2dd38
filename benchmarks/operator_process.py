"""The operator as a process of its own, as its pod runs it, and what it costs: processor time and memory. Called by operator.py."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil

from appliance.standalone.ports import LOOPBACK, free_ports
from appliance.standalone.service import Service
from benchmarks import servers
from benchmarks.operator_cluster import OPERATOR, Surroundings
from benchmarks.operator_objects import NAMESPACE
from benchmarks.sides.process import peak_megabytes
from tests.cluster_crds.api_server import ROOT
from tests.servers import running as log_kept

_TAIL = 30  # lines of its log that are told where the benchmark breaks off


@dataclass(frozen=True)
class Operator:
    process: psutil.Process

    @property
    def alive(self) -> bool:
        return self.process.is_running() and self.process.status() != psutil.STATUS_ZOMBIE

    def cpu_seconds(self) -> float:
        """Since it began."""
        used = self.process.cpu_times()
        return float(used.user + used.system)

    def megabytes(self) -> float:
        """What it holds now, in 10^6 bytes."""
        return float(self.process.memory_info().rss / 1e6)

    def peak_megabytes(self) -> float:
        return peak_megabytes(self.process.pid)


@contextmanager
def running(around: Surroundings) -> Iterator[Operator]:
    """One replica, ready; stopped whatever happens. Where the benchmark breaks off, what it said last is shown."""
    with servers.temporary_folder() as folder:
        port, metrics = free_ports(2)
        environment = {
            "PYTHONUNBUFFERED": "1",
            "PYTHONPATH": f"{ROOT}:{ROOT / 'operator'}",
            "KUBECONFIG": str(_kubeconfig(around, folder)),
            **_clients(around),
            **_told(port, metrics),
        }
        service = Service(
            "operator",
            (sys.executable, "-P", "-m", "vedette_operator"),
            folder,
            lambda _: _ready(f"http://{LOOPBACK}:{port}/readyz"),
            environment=environment,
        )
        with log_kept(service, folder) as server:
            try:
                yield Operator(psutil.Process(server.pid))
            except BaseException:
                print("\n".join(server.log.splitlines()[-_TAIL:]), file=sys.stderr)
                raise


def _kubeconfig(around: Surroundings, folder: Path) -> Path:
    """Its own, with the namespace that a pod has from its service account."""
    config = json.loads(around.api.kubeconfig_of(OPERATOR).read_text())
    config["contexts"][0]["context"]["namespace"] = NAMESPACE
    path = folder / "kubeconfig"
    path.touch(0o600)
    path.write_text(json.dumps(config))
    return path


def _told(health: int, metrics: int) -> dict[str, str]:
    """What the chart says. No image is ever pulled."""
    said = {"NAMESPACE": NAMESPACE, "IDENTITY": "bench", "INFERENCE_IMAGE": "none:1", "TRAINING_IMAGE": "none:1"}
    said |= {"HOST": LOOPBACK, "HEALTH_PORT": str(health), "METRICS_PORT": str(metrics)}
    return {f"VEDETTE_OPERATOR_{name}": value for name, value in said.items()}


def _clients(around: Surroundings) -> dict[str, str]:
    """What the Secret of the chart says."""
    return {
        "VEDETTE_STORE_ENDPOINT": around.store.endpoint,
        "VEDETTE_STORE_ACCESS_KEY": around.store.access_key.get_secret_value(),
        "VEDETTE_STORE_SECRET_KEY": around.store.secret_key.get_secret_value(),
        "VEDETTE_NATS_URL": around.messaging.url,
        "VEDETTE_NATS_USER": around.messaging.user,
        "VEDETTE_NATS_PASSWORD": around.messaging.password.get_secret_value(),
    }


def _ready(url: str) -> bool:
    try:
        return httpx.get(url, timeout=5).status_code == 200
    except httpx.HTTPError:
        return False
