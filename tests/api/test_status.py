"""What the operator and Prometheus are told, against real servers; and one trace id from upload to detection."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import psutil
from prometheus_client.parser import text_string_to_metric_families
from structlog.contextvars import get_contextvars

from appliance.api.views.accounts import Role
from appliance.clients import tracing
from appliance.clients.messaging import Delivery
from appliance.contracts.base import now
from appliance.contracts.errors import Code, Reason
from appliance.contracts.machine import STATUS_FILE, PartState, PartStatus, Status
from appliance.contracts.messages import (
    LANES_STREAM,
    MEDIA_STREAM,
    MEDIA_SUBJECT,
    ItemReport,
    ItemStarted,
    WorkFailed,
)
from appliance.contracts.worker import WorkerAnnouncement, WorkerKind
from tests.api import samples
from tests.api.appliance_under_test import Appliance, ready

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
TRACEPARENT = f"00-{TRACE}-00f067aa0ba902b7-01"


async def _metrics(api: Appliance) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    answer = await api.client.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain")
    families = text_string_to_metric_families(answer.text)
    return {(s.name, frozenset(s.labels.items())): s.value for family in families for s in family.samples}


def _of(**labels: str) -> frozenset[tuple[str, str]]:
    return frozenset(labels.items())


async def _announce(api: Appliance, busy_with: Any) -> WorkerAnnouncement:
    worker = WorkerAnnouncement(
        id=uuid4(),
        kind=WorkerKind.MEDIA,
        version="0.1.0",
        host="here",
        process_id=1,
        cpus=2,
        memory_bytes=1 << 30,
        busy_with=busy_with,
        started_at=now(),
        seen_at=now(),
    )
    await api.messaging.announce(worker)
    return worker


async def test_metrics_need_somebody(api: Appliance) -> None:
    assert (await api.stranger.get("/metrics")).status_code == 401
    assert (await api.stranger.get("/api/status")).status_code == 401


async def test_metrics_tell_states_queues_and_routes(api: Appliance, tmp_path: Path) -> None:
    before = await _metrics(api)
    waiting = "vedette_queue_messages", _of(stream=MEDIA_STREAM)
    item = await api.push(name="waits.tif")
    told = await _metrics(api)
    assert told["vedette_outbox_messages", _of()] >= 2
    assert told["vedette_items", _of(state="queued")] == 1
    while await api.publisher.once():
        pass
    await asyncio.sleep(0.3)
    told = await _metrics(api)
    assert told["vedette_outbox_messages", _of()] == 0
    assert told[waiting] == before[waiting] + 1
    assert told["vedette_queue_oldest_message_seconds", _of(stream=MEDIA_STREAM)] > 0.2
    assert told["vedette_queue_messages", _of(stream=LANES_STREAM)] >= 0
    assert told["vedette_server_up", _of(server="database")] == 1
    announced = _of(method="POST", route="/api/datasets/{dataset}/items", status="201")
    assert told["vedette_http_request_seconds_count", announced] == 1
    await api.client.get(f"/api/items/{item}")
    await api.client.get("/api/nothing/here")
    text = (await api.client.get("/metrics")).text
    assert str(item) not in text, "never an item in a label"
    assert "/api/nothing" not in text, "nor what a caller made up"


async def test_the_status_names_what_is_busy_and_what_failed(api: Appliance, tmp_path: Path) -> None:
    item = await api.push(name="broken.tif")
    worker = await _announce(api, item)
    reason = Reason(code=Code.UNREADABLE, message="broken.tif is no image.", remedy="Send another.")
    await api.report(ItemReport(item_id=item, attempt=1, body=WorkFailed(reason=reason)))
    answer = await api.client.get("/api/status")
    assert answer.status_code == 200, answer.text
    status = answer.json()
    [shown] = [one for one in status["workers"] if one["worker"]["id"] == str(worker.id)]
    assert shown["working_on"] == "broken.tif"
    [failure] = status["failures"]
    assert (failure["kind"], failure["name"], failure["dataset"]) == ("item", "broken.tif", "port-survey")
    assert failure["reason"]["message"] == "broken.tif is no image."
    assert failure["trace_id"] == (await api.client.get(f"/api/items/{item}")).json()["trace_id"]
    assert {queue["stream"] for queue in status["queues"]} == {"MEDIA", "LANES", "REPORTS"}
    assert status["servers"]["ready"]
    told = await _metrics(api)
    assert told["vedette_workers", _of(kind="media", state="busy")] >= 1
    assert told["vedette_worker_heartbeat_age_seconds", _of(kind="media")] < 15
    await api.messaging.forget_worker(worker.id)


async def test_parts_and_disk_are_those_of_the_data_folder(api: Appliance, tmp_path: Path) -> None:
    part = PartStatus(name="postgres", state=PartState.READY, process_id=1, ports=(5432,), started_at=now())
    written = Status(data=tmp_path, url="http://127.0.0.1", supervisor=1, started_at=now(), parts=(part,))
    (tmp_path / STATUS_FILE).write_text(written.model_dump_json())
    api.services.machine._data = tmp_path
    status = (await api.client.get("/api/status")).json()
    assert status["parts"][0]["name"] == "postgres"
    assert status["parts"][0]["memory_bytes"] > 0
    assert 0 < status["disk"]["free_bytes"] < status["disk"]["total_bytes"]


async def test_only_an_administrator_sees_the_machine(api: Appliance) -> None:
    link = (await api.client.post("/api/links", json={"name": "ana", "role": Role.ANALYST})).json()["url"]
    signed = await api.stranger.post("/api/session", json={"link": link.split("link=")[1]})
    cookies = {"vedette_session": signed.cookies["vedette_session"]}
    async with httpx.AsyncClient(
        transport=api.stranger._transport, base_url=str(api.stranger.base_url), cookies=cookies
    ) as analyst:
        assert (await analyst.get("/api/session")).json()["role"] == "analyst"
        assert (await analyst.get("/api/status")).status_code == 403


async def test_the_status_answers_while_the_queue_hangs(api: Appliance, nats_server: Any) -> None:
    process = psutil.Process(nats_server.server.pid)
    process.suspend()
    try:
        status = (await asyncio.wait_for(api.client.get("/api/status"), 5)).json()
        assert not status["servers"]["messaging"]["answers"]
        assert (status["queues"], status["workers"]) == ([], [])
        told = await _metrics(api)
        assert told["vedette_server_up", _of(server="messaging")] == 0
    finally:
        process.resume()
    while not await api.messaging.ready():  # noqa: ASYNC110 - of another process's doing
        await asyncio.sleep(0.1)


async def test_a_trace_goes_from_the_upload_to_the_run(api: Appliance, tmp_path: Path) -> None:
    await api.apply_detector(tmp_path / "package", subscribe=["port-survey"])
    await api.client.post("/api/datasets", json={"name": "port-survey"})
    body = {"name": "traced.tif", "size_bytes": 3, "sha256": f"sha256:{'b' * 64}"}
    path = "/api/datasets/port-survey/items"
    announced = (await api.client.post(path, json=body, headers={"traceparent": TRACEPARENT})).json()
    item = announced["item"]["id"]
    assert announced["item"]["trace_id"] == TRACE
    await api.send(announced["upload"], b"abc")
    assert (await api.client.post(f"/api/items/{item}/upload/complete")).status_code == 200
    rows = await api.sql("SELECT trace_id FROM outbox WHERE subject = :subject", subject=MEDIA_SUBJECT)
    assert rows == [(TRACE,)]
    await api.report(ready(UUID(item), samples.scene_info(), f"sha256:{'a' * 64}"))
    [run] = (await api.client.get(f"/api/items/{item}/runs")).json()["items"]
    assert run["trace_id"] == TRACE
    api.worker()
    assert await api.placer.once()
    assert await api.sql("SELECT trace_id FROM outbox WHERE subject LIKE 'detect.%'") == [(TRACE,)]
    problem = (await api.client.post(f"/api/items/{item}/retry")).json()
    assert (problem["status"], problem["trace_id"]) == (409, TRACE)


async def test_every_problem_has_a_trace(api: Appliance) -> None:
    first, second = [(await api.stranger.get("/api/datasets")).json()["trace_id"] for _ in range(2)]
    assert re.fullmatch("[0-9a-f]{32}", first)
    assert first != second
    given = await api.stranger.get("/api/datasets", headers={"traceparent": TRACEPARENT})
    assert given.json()["trace_id"] == TRACE
    for wrong in ("", "00-" + "0" * 32 + "-00f067aa0ba902b7-01", "ff" + TRACEPARENT[2:], "no"):
        answer = await api.stranger.get("/api/datasets", headers={"traceparent": wrong})
        assert answer.json()["trace_id"] not in {TRACE, "0" * 32}


async def test_the_trace_travels_in_messages_and_into_log_lines(api: Appliance) -> None:
    """Through the real server: published under a trace, handled under the same, elsewhere not."""
    heard: asyncio.Future[tuple[str | None, str]] = asyncio.get_running_loop().create_future()
    item_id = uuid4()

    async def handle(delivery: Delivery) -> None:
        if str(item_id).encode() in delivery.data and not heard.done():  # else left by another test
            heard.set_result((tracing.current(), get_contextvars()["trace_id"]))

    report = ItemReport(item_id=item_id, attempt=1, body=ItemStarted())
    with tracing.bound(TRACE):
        await api.messaging.publish("reports.item", report, f"trace-test/{item_id}")
    assert tracing.current() is None
    assert "trace_id" not in get_contextvars()
    working = asyncio.create_task(api.messaging.work("REPORTS", "reports.>", "api", handle, 1))
    try:
        assert await asyncio.wait_for(heard, 20) == (TRACE, TRACE)
    finally:
        working.cancel()
        await asyncio.wait({working})
