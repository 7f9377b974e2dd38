"""The operator as a process of its own, as its pod runs it, on free ports of loopback. Used by conftest.py and by tests that want a second one."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from appliance.standalone.ports import LOOPBACK, free_ports
from appliance.standalone.service import Service
from tests.cluster_crds.api_server import ROOT
from tests.servers import Server, running, temporary_folder


@dataclass(frozen=True)
class Operator:
    """`server`: kill() is kill -9, start() starts it again."""

    server: Server
    health: str
    metrics: str

    def metric(self, name: str, **labels: str) -> float:
        """The sum of its samples that have these labels."""
        text = httpx.get(self.metrics, timeout=5).raise_for_status().text
        assert f"# TYPE {name} " in text, "no such metric"
        wanted = [f'{label}="{value}"' for label, value in labels.items()]
        lines = [line for line in text.splitlines() if re.match(rf"{name}[{{ ]", line)]
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines if all(each in line for each in wanted))


def kubeconfig_in(kubeconfig: Path, namespace: str, folder: Path) -> Path:
    """The same, with the namespace that a pod has from its service account."""
    config = json.loads(kubeconfig.read_text())
    config["contexts"][0]["context"]["namespace"] = namespace
    path = folder / "kubeconfig"
    path.touch(0o600)
    path.write_text(json.dumps(config))
    return path


@contextmanager
def operating(
    kubeconfig: Path, namespace: str, environment: Mapping[str, str], identity: str = "operator-1"
) -> Iterator[Operator]:
    """Ready, and stopped afterwards. `environment`: what the Secret of the chart says."""
    with temporary_folder() as folder:
        health, metrics = free_ports(2)
        said = {"NAMESPACE": namespace, "IDENTITY": identity, "HOST": LOOPBACK}
        said |= {"INFERENCE_IMAGE": "none:1", "TRAINING_IMAGE": "none:2"}
        said |= {"HEALTH_PORT": str(health), "METRICS_PORT": str(metrics)}
        address = f"http://{LOOPBACK}:{health}"
        service = Service(
            "operator",
            (sys.executable, "-P", "-m", "vedette_operator"),
            folder,
            lambda _: _ready(f"{address}/readyz"),
            environment={
                "PYTHONUNBUFFERED": "1",
                "PYTHONPATH": f"{ROOT}:{ROOT / 'operator'}",
                "KUBECONFIG": str(kubeconfig_in(kubeconfig, namespace, folder)),
                **environment,
                **{f"VEDETTE_OPERATOR_{name}": value for name, value in said.items()},
            },
        )
        with running(service, folder) as server:
            yield Operator(server, address, f"http://{LOOPBACK}:{metrics}/metrics")


def _ready(url: str) -> bool:
    try:
        return httpx.get(url, timeout=5).status_code == 200
    except httpx.HTTPError:
        return False
