"""Everything that goes wrong is an RFC 9457 problem document, with our headers on it."""

from __future__ import annotations

import asyncio
import time
from uuid import UUID

import psutil
import pytest

from appliance.api import errors
from appliance.contracts.errors import Code
from tests.api.appliance_under_test import Appliance

NOTHING = UUID(int=0x5EED)
"""No item, run or annotation has it; the same in every process, for it names the tests."""


def test_every_code_has_a_status() -> None:
    assert set(errors.STATUS) == set(Code)


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", f"/api/items/{NOTHING}", 404, "not-found"),
        ("GET", "/api/items/not-a-uuid", 422, "invalid"),
        ("GET", "/api/nothing", 404, "not-found"),
        ("PATCH", "/api/datasets", 405, "invalid"),
        ("GET", "/api/datasets/UPPER", 422, "invalid"),
        ("GET", "/api/runs?limit=0", 422, "invalid"),
        ("GET", "/api/datasets?cursor=%00", 422, "invalid"),
        ("GET", f"/api/items/{NOTHING}/tiles/25/0/0.png", 422, "invalid"),
        ("GET", f"/api/items/{NOTHING}/tiles/1/0/0.gif", 422, "invalid"),
        ("GET", f"/api/items/{NOTHING}/tiles/1/0/0.png?rescale=5,1", 422, "invalid"),
        ("GET", f"/api/runs/{NOTHING}/detections?bbox=1,2,3", 422, "invalid"),
        ("GET", f"/api/runs/{NOTHING}/tiles/1/0/0.mvt", 404, "not-found"),
        ("GET", "/api/detectors/crowns/1.0.0", 404, "not-found"),
        ("GET", f"/api/snapshots/sha256:{'0' * 64}", 404, "not-found"),
    ],
)
async def test_a_problem_is_a_document(api: Appliance, method: str, path: str, status: int, code: str) -> None:
    answer = await api.client.request(method, path)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert (body["status"], body["code"]) == (status, code)
    assert body["type"] == f"urn:vedette:problem:{code}"
    assert body["title"]
    assert body["detail"].endswith(".")


async def test_broken_and_unknown_bodies_are_invalid(api: Appliance) -> None:
    for content in (b"{", b"[]", b'{"name": "a", "more": 1}', b"\xff\xfe", b'{"name": NaN}', b"[" * 20000):
        answer = await api.client.post("/api/datasets", content=content, headers={"Content-Type": "application/json"})
        assert answer.status_code in {400, 422}, content[:20]
        assert answer.json()["code"] == "invalid"


async def test_large_bodies_are_refused_however_they_come(api: Appliance) -> None:
    limit = api.services.settings.body_limit_bytes
    answer = await api.client.post("/api/datasets", content=b" " * (limit + 1))
    assert (answer.status_code, answer.json()["code"]) == (413, "too-large")

    async def endless():  # type: ignore[no-untyped-def]
        for _ in range(limit // (1 << 20) + 2):
            yield b" " * (1 << 20)

    answer = await api.client.post("/api/datasets", content=endless(), headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (413, "too-large")


async def test_an_unexpected_error_tells_nothing_of_the_inside(api: Appliance) -> None:
    await api.sql("DROP TABLE snapshot_items, snapshots")
    await api.client.post("/api/datasets", json={"name": "mine"})
    answer = await api.client.get("/api/datasets/mine/snapshots")
    assert answer.status_code == 500
    assert answer.json()["code"] == "internal"
    assert "snapshots" not in answer.text
    assert "Traceback" not in answer.text


async def test_security_headers_are_on_every_answer(api: Appliance) -> None:
    for path in ("/healthz", "/api/datasets", "/api/nothing", "/somewhere"):
        headers = (await api.client.get(path)).headers
        policy = headers["content-security-policy"]
        assert "default-src 'self'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert headers["x-content-type-options"] == "nosniff"


async def test_readiness_tells_the_truth(api: Appliance) -> None:
    answer = await api.stranger.get("/readyz")
    assert answer.status_code == 200
    well = {"answers": True, "problem": "", "since": None}
    assert answer.json() == {"ready": True, "database": well, "messaging": well, "store": well}
    assert (await api.stranger.get("/healthz")).json()["status"] == "ok"


async def test_a_lost_database_is_503_and_not_ready(api: Appliance, postgres, nats_server) -> None:  # type: ignore[no-untyped-def]
    await api.sql("SELECT 1")
    postgres.server.kill()
    try:
        answer = await api.client.get("/api/datasets")
        assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
        ready = await api.stranger.get("/readyz")
        assert ready.status_code == 503
        told = ready.json()
        assert {name: told[name]["answers"] for name in ("database", "messaging", "store")} == {
            "database": False,
            "messaging": True,
            "store": True,
        }
        assert "database" in told["database"]["problem"]
        assert told["database"]["since"] is not None
    finally:
        postgres.server.start()
    assert (await api.client.get("/api/datasets")).status_code == 200


async def test_a_look_up_survives_connections_that_ended_unseen(api: Appliance) -> None:
    """As after a restart of PostgreSQL within a second, in which a pooled connection is trusted unasked."""
    item = await api.push()
    ended = """SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE pid <> pg_backend_pid()
        AND datname = current_database() AND application_name = 'vedette-api'"""
    for _ in range(3):
        looked = [api.client.get(f"/api/items/{item}/original", follow_redirects=False) for _ in range(4)]
        assert {answer.status_code for answer in await asyncio.gather(*looked)} == {307}
        ((number,),) = await api.sql(ended)
        assert number > 0
        assert (await api.client.get(f"/api/items/{item}/original", follow_redirects=False)).status_code == 307


@pytest.mark.parametrize("name", ["database", "messaging", "store"])
async def test_readiness_does_not_hang_with_a_server(api: Appliance, request: pytest.FixtureRequest, name: str) -> None:
    """SIGSTOP: connections stay open, and nothing comes back on them."""
    fixture = {"database": "postgres", "messaging": "nats_server", "store": "object_store"}[name]
    server = request.getfixturevalue(fixture).server
    assert (await api.stranger.get("/readyz")).json()["ready"]
    group = [psutil.Process(server.pid), *psutil.Process(server.pid).children(recursive=True)]
    for process in group:
        process.suspend()
    try:
        first = None
        for _ in range(2):
            began = time.monotonic()
            answer = await api.stranger.get("/readyz")
            assert time.monotonic() - began < 2
            assert answer.status_code == 503
            told = answer.json()
            assert {one for one in ("database", "messaging", "store") if not told[one]["answers"]} == {name}
            assert told[name]["problem"]
            first = first or told[name]["since"]
            assert told[name]["since"] == first, "since it was first seen, not since it was last asked"
        assert (await api.stranger.get("/healthz")).status_code == 200
    finally:
        for process in group:
            process.resume()
    deadline = time.monotonic() + 30
    while (await api.stranger.get("/readyz")).status_code != 200:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.2)
