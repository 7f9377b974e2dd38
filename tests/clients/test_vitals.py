"""Probes: what is alive and what is ready, by a clock that is set; and how they are answered."""

from __future__ import annotations

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry
from pydantic import TypeAdapter

from appliance.clients import metrics
from appliance.clients.vitals import Vitals
from appliance.contracts.worker import WorkerName
from appliance.standalone.ports import free_ports


@pytest.mark.parametrize(
    ("turned", "stored", "healthz", "readyz"),
    [(100, None, 200, 503), (100, 90, 200, 200), (100, 69, 200, 503), (69, 99, 503, 503)],
)
def test_probes_are_answered_by_what_happened_lately(
    turned: float, stored: float | None, healthz: int, readyz: int
) -> None:
    time = [0.0]
    vitals = Vitals(lambda: time[0])
    if stored is not None:
        time[0] = stored
        vitals.stored()
    time[0] = turned
    vitals.turned()
    time[0] = 100
    [port] = free_ports(1)
    with metrics.served(CollectorRegistry(), "127.0.0.1", port, vitals), httpx.Client(trust_env=False) as http:
        asked = [http.get(f"http://127.0.0.1:{port}{path}").status_code for path in ("/healthz", "/readyz", "/metrics")]
    assert asked == [healthz, readyz, 200]


@given(st.from_regex(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?(\.[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)?", fullmatch=True))
def test_the_name_of_a_pod_is_the_name_of_a_worker(name: str) -> None:
    assert TypeAdapter(WorkerName).validate_python(name) == name
