"""The operator as a process of its own, as its pod runs it, and what it costs: processor time and memory. Called by operator.py."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import httpx
import psutil

from appliance.standalone.ports import LOOPBACK, free_ports
from appliance.standalone.service import Service
from benchmarks import servers
from benchmarks.operator_cluster import OPERATOR, Surroundings
from benchmarks.operator_objects import NAMESPACE
from benchmarks.sides.process import peak_megabytes
from tests.cluster_crds.api_server import ROOT


@dataclass(frozen=True)
class Operator:
    process: psutil.Process

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
    """One replica, ready; stopped whatever happens."""
    with servers.temporary_folder() as folder:
        port, metrics = free_ports(2)
        environment = {
            "PYTHONUNBUFFERED": "1",
            "PYTHONPATH": f"{ROOT}:{ROOT / 'operator'}",
            "KUBECONFIG": str(around.api.kubeconfig_of(OPERATOR)),
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
        with servers.running(service) as process:
            yield Operator(psutil.Process(process.pid))


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
