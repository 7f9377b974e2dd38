"""What comes from outside wrong, late, forged or hostile gets a clear answer, and nothing is lost."""

from __future__ import annotations

import asyncio
import base64
import json
import secrets
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID

import httpx
import pytest

from appliance.clients.objectstore import ObjectStore
from appliance.contracts import keys
from appliance.contracts.base import now
from tests.api.appliance_under_test import DATASET, Appliance
from tests.api.samples import scene_info
from tests.conftest import StoreServer

PART = 5 << 20


def _cursor(*parts: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "forged",
    [
        _cursor("not a moment", "not an id"),
        _cursor("2026-11-22T10:00:00", "6d7e3613-9742-57b2-a4cf-671dcb5aa2a1"),
        _cursor(10**30),
        _cursor(True),
        _cursor("a\0b"),
        _cursor([[[]]], {}),
        "!!!!",
        base64.urlsafe_b64encode(b"[" * 100).decode(),
    ],
)
async def test_a_forged_cursor_is_refused_by_every_list(api: Appliance, forged: str) -> None:
    item = await api.push_ready()
    await api.client.get("/api/tokens")
    for path in (
        "/api/datasets",
        "/api/runs",
        "/api/detectors",
        "/api/tokens",
        f"/api/datasets/{DATASET}/items",
        f"/api/datasets/{DATASET}/snapshots",
        f"/api/items/{item}/runs",
        f"/api/items/{item}/annotations",
    ):
        answer = await api.client.get(path, params={"cursor": forged})
        # A dataset's cursor is a name: any text is one.
        if path != "/api/datasets" or answer.status_code != 200:
            assert (answer.status_code, answer.json()["code"]) == (422, "invalid"), path


async def test_tokens_come_in_pages(api: Appliance) -> None:
    names = [f"token {number}" for number in range(5)]
    for name in names:
        assert (await api.client.post("/api/tokens", json={"name": name})).status_code == 201
    seen: list[str] = []
    cursor = None
    while True:
        params: dict[str, Any] = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = (await api.client.get("/api/tokens", params=params)).json()
        assert len(page["items"]) <= 2
        seen += [one["name"] for one in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert seen[-5:] == names


async def test_a_part_that_breaks_off_has_not_come(api: Appliance) -> None:
    """The connection ends in the middle of the body: the store keeps nothing of the part, and the upload goes on."""
    content = secrets.token_bytes(2 * PART)
    announced = (await api.announce(content)).json()
    item, parts = announced["item"]["id"], announced["upload"]["parts"]
    address = urlsplit(parts[0]["url"])
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    head = f"PUT {address.path}?{address.query} HTTP/1.1\r\nHost: {address.netloc}\r\nContent-Length: {PART}\r\n\r\n"
    writer.write(head.encode() + content[: PART // 2])
    await writer.drain()
    writer.close()
    del reader
    early = await api.client.post(f"/api/items/{item}/upload/complete")
    assert (early.status_code, early.json()["code"]) == (409, "conflict")
    resumed = (await api.client.get(f"/api/items/{item}/upload")).json()
    assert [part["done"] for part in resumed["parts"]] == [False, False]
    await api.send(resumed, content)
    assert (await api.client.post(f"/api/items/{item}/upload/complete")).json()["state"] == "queued"
    assert api.store.get_bytes(keys.original(UUID(item)), 3 * PART) == content


@pytest.mark.parametrize("surplus", [1, -1])
async def test_a_part_of_another_size_than_announced_is_asked_for_again(api: Appliance, surplus: int) -> None:
    content = secrets.token_bytes(1000)
    announced = (await api.announce(content)).json()
    item, [part] = announced["item"]["id"], announced["upload"]["parts"]
    (await api.outside.put(part["url"], content=secrets.token_bytes(1000 + surplus))).raise_for_status()
    refused = await api.client.post(f"/api/items/{item}/upload/complete")
    assert (refused.status_code, refused.json()["code"]) == (409, "conflict")
    resumed = (await api.client.get(f"/api/items/{item}/upload")).json()
    assert [one["done"] for one in resumed["parts"]] == [False]
    await api.send(resumed, content)
    assert (await api.client.post(f"/api/items/{item}/upload/complete")).status_code == 200
    assert api.store.get_bytes(keys.original(UUID(item)), 2000) == content


async def test_an_address_of_the_store_that_was_changed_opens_nothing(api: Appliance) -> None:
    mine, other = await api.push(b"mine" * 10, "mine.tif"), await api.push(b"other" * 10, "other.tif")
    address = (await api.client.get(f"/api/items/{mine}/original")).headers["location"]
    parts = urlsplit(address)
    longer = parts.query.replace("X-Amz-Expires=7200", "X-Amz-Expires=604800")
    assert longer != parts.query
    for forged in (
        parts._replace(path=parts.path.replace(str(mine), str(other))),
        parts._replace(query=longer),
        parts._replace(query=parts.query[:-4] + "0000"),
    ):
        answer = await api.outside.get(urlunsplit(forged))
        assert answer.status_code == 403
        assert b"other" not in answer.content.replace(str(other).encode(), b"").replace(b"other.tif", b"")
    assert (await api.outside.get(address)).content == b"mine" * 10


@pytest.mark.parametrize("skew", [timedelta(minutes=10), timedelta(minutes=-10)])
async def test_clocks_that_differ_sign_addresses_that_open(
    api: Appliance, object_store: StoreServer, skew: timedelta
) -> None:
    item = await api.push(b"still here")
    node = ObjectStore(object_store.settings, clock=lambda: now() + skew)
    address = await asyncio.to_thread(node.presigned_get, keys.original(item), timedelta(hours=1))
    assert (await api.outside.get(address)).content == b"still here"


async def test_an_address_ends(api: Appliance, object_store: StoreServer) -> None:
    item = await api.push(b"gone")
    past = ObjectStore(object_store.settings, clock=lambda: datetime.now(UTC) - timedelta(hours=3))
    address = past.presigned_get(keys.original(item), timedelta(hours=1))
    answer = await api.outside.get(address)
    assert (answer.status_code, b"gone" in answer.content) == (403, False)


def _record(item: str, **changes: Any) -> dict[str, Any]:
    return {"item": item, "label": "tree", "box": {"x": 100, "y": 100, "width": 20, "height": 20}, **changes}


async def test_hostile_label_files_are_refused_whole(api: Appliance) -> None:
    await api.push_ready(scene_info(crs=None))
    circle = [[100.0 + number * 1e-6, 100.0] for number in range(1_000_000)]
    where = f"/api/datasets/{DATASET}/annotations/import"
    good = {"source": "labels.json", "records": [_record("scene.tif")]}
    assert (await api.client.post(where, json=good)).status_code == 200
    hostile = [
        json.dumps({"source": "labels.json", "records": [_record("scene.tif", polygon=[circle])]}),
        json.dumps({"source": "labels.json", "records": [_record("scene.tif", polygon=[[[0.0, float("nan")]] * 4])]}),
        json.dumps({"source": "labels.json", "records": [_record("scene.tif", polygon=[[[0.0, float("inf")]] * 4])]}),
        json.dumps({"source": "labels.json", "records": [_record("scene.tif", polygon=[[[0.0, 0.0]]])]}),
        json.dumps(good).replace('"x": 100', '"x": 1e999'),
        json.dumps({"source": "labels.json", "records": [_record("scene.tif", label="a\0b")]}),
    ]
    for body in hostile:
        answer = await api.client.post(where, content=body, headers={"Content-Type": "application/json"}, timeout=60)
        assert answer.status_code in {400, 413, 422}, (body[:200], answer.text[:300])
        assert answer.json()["detail"].endswith(".")
        assert len(answer.text) < 10_000
    items = (await api.client.get(f"/api/datasets/{DATASET}/items")).json()["items"]
    kept = (await api.client.get(f"/api/items/{items[0]['id']}/annotations")).json()["items"]
    assert [one["label"] for one in kept] == ["tree"]


async def test_script_in_a_name_stays_text(api: Appliance) -> None:
    script = "<script>alert(1)</script>"
    titled: httpx.Response = await api.client.post("/api/datasets", json={"name": "named", "title": script})
    assert titled.json()["title"] == script
    assert titled.headers["content-type"] == "application/json"
    assert titled.headers["x-content-type-options"] == "nosniff"
    assert "default-src 'self'" in titled.headers["content-security-policy"]
    announced = (await api.announce(b"x", f"{script}.tif")).json()
    assert "/" not in announced["item"]["name"]
    token = await api.client.post("/api/tokens", json={"name": script})
    assert token.status_code == 201
    refused = await api.client.get(f"/api/datasets/{script}")
    assert refused.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("coordinate", ["nan,0,1,1", "0,0,inf,1", "1e999,0,1,1", "0,0,1", "a,b,c,d", ",,,"])
async def test_a_box_of_no_numbers_is_refused(api: Appliance, coordinate: str) -> None:
    item = await api.push_ready(scene_info(crs=None))
    answer = await api.client.get(f"/api/runs/{item}/detections", params={"bbox": coordinate})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")


@pytest.mark.parametrize(
    ("path", "body"),
    [("/api/datasets", {"name": "n", "title": "a\0b"}), ("/api/tokens", {"name": "a\0b"})],
)
async def test_a_text_with_nul_is_refused(api: Appliance, path: str, body: dict[str, str]) -> None:
    """PostgreSQL's text knows no NUL: that is the caller's fault, not a database that is away."""
    answer = await api.client.post(path, json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid"), answer.text
