"""What Prometheus is told by every process of `vedette up`, as its documentation says to set it up."""

from __future__ import annotations

import json

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.conftest import Stack

pytestmark = pytest.mark.stack


def test_every_worker_has_a_port_that_status_shows(stack: Stack) -> None:
    parts = {part["name"]: part for part in json.loads(stack.vedette("status", "--json").stdout)["parts"]}
    for name, kind in (("media-1", "media"), ("detector-1", "detector")):
        [port] = parts[name]["ports"]
        answer = httpx.get(f"http://127.0.0.1:{port}/metrics", trust_env=False)
        assert answer.status_code == 200
        samples = [s for family in text_string_to_metric_families(answer.text) for s in family.samples]
        told = {sample.name: sample for sample in samples}
        assert told["vedette_worker_info"].labels["kind"] == kind
        assert told["vedette_worker_heartbeats_total"].value >= 1
        assert told["process_resident_memory_bytes"].value > 10e6


def test_the_api_wants_a_token(stack: Stack) -> None:
    made = json.loads(stack.vedette("token", "create", "prometheus", "--json").stdout)
    assert httpx.get(f"{stack.url}/metrics").status_code == 401
    answer = httpx.get(f"{stack.url}/metrics", headers={"Authorization": f"Bearer {made['token']}"})
    assert answer.status_code == 200
    assert "vedette_disk_free_bytes" in answer.text
