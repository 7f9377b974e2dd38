"""Three API processes on the same servers are one: events, addresses, tiles, sessions, answers that are given once."""

from __future__ import annotations

import asyncio
import hashlib
import json
import uuid
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import httpx
import pytest

from appliance.clients.objectstore import ObjectStore
from appliance.contracts import keys
from appliance.contracts.messages import ITEM_REPORT_SUBJECT
from tests.api import samples
from tests.api.appliance_under_test import ready
from tests.api.nodes import Nodes, nodes
from tests.conftest import MessagingServer, StoreServer

CONTENT = b"what was uploaded"


@pytest.fixture(scope="module")
def three(
    new_database: Any, nats_server: MessagingServer, object_store: StoreServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Nodes]:
    with nodes(3, new_database(), nats_server, object_store, tmp_path_factory.mktemp("three")) as started:
        yield started


@pytest.fixture(scope="module")
def item(three: Nodes, object_store: StoreServer, tmp_path_factory: pytest.TempPathFactory) -> UUID:
    """Announced at the first node, its upload completed at the second, its scene in the store, ready."""
    first, second, _ = three.clients
    assert first.post("/api/datasets", json={"name": "shared"}).status_code == 201
    digest = f"sha256:{hashlib.sha256(CONTENT).hexdigest()}"
    body = {"name": "scene.tif", "size_bytes": len(CONTENT), "sha256": digest}
    announced = first.post("/api/datasets/shared/items", json=body).json()
    item = UUID(announced["item"]["id"])
    resumed = second.get(f"/api/items/{item}/upload").json()
    assert resumed["parts"] == announced["upload"]["parts"], "the same addresses to upload to"
    httpx.put(resumed["parts"][0]["url"], content=CONTENT).raise_for_status()
    assert second.post(f"/api/items/{item}/upload/complete").status_code == 200
    scene = tmp_path_factory.mktemp("scene") / "scene.tif"
    samples.write_cog(scene, None)
    ObjectStore(object_store.settings).put_file(keys.scene(item), scene, "image/tiff")
    report = ready(item, samples.scene_info(crs=None), f"sha256:{'c' * 64}")
    three.publish(ITEM_REPORT_SUBJECT, report, f"{item}/1/ready")
    three.until(item, "ready")
    return item


def _events(client: httpx.Client, last: int | None, item: UUID, number: int) -> list[tuple[int, dict[str, Any]]]:
    """The next `number` events about the item after that id."""
    found: list[tuple[int, dict[str, Any]]] = []
    headers = {} if last is None else {"Last-Event-ID": str(last)}
    with client.stream("GET", "/api/events", headers=headers) as stream:
        sequence = 0
        for line in stream.iter_lines():
            if line.startswith("id: "):
                sequence = int(line.removeprefix("id: "))
            if line.startswith("data: ") and json.loads(line.removeprefix("data: "))["item_id"] == str(item):
                found.append((sequence, json.loads(line.removeprefix("data: "))))
                if len(found) == number:
                    return found
    raise AssertionError("the stream ended")


def test_events_are_the_same_and_go_on_at_another_node(three: Nodes, item: UUID) -> None:
    seen = [_events(client, 0, item, 3) for client in three.clients]
    assert seen[0] == seen[1] == seen[2]
    assert [event["state"] for _, event in seen[0]] == ["uploading", "queued", "ready"]
    for place, (sequence, _) in enumerate(seen[0][:2]):
        assert _events(three.clients[place + 1], sequence, item, 2 - place) == seen[0][place + 1 :]


def test_addresses_of_the_store_are_the_same(three: Nodes, item: UUID) -> None:
    told = {client.get(f"/api/items/{item}/original").headers["location"] for client in three.clients}
    assert len(told) == 1
    assert httpx.get(told.pop()).content == CONTENT


@pytest.mark.parametrize("extension", ["png", "webp", "jpg"])
def test_tiles_and_their_tags_are_the_same(three: Nodes, item: UUID, extension: str) -> None:
    address = f"/api/items/{item}/tiles/17/65536/65536.{extension}"
    answers = [client.get(address) for client in three.clients]
    assert {answer.status_code for answer in answers} == {200}
    assert len({(answer.headers["etag"], answer.content) for answer in answers}) == 1
    known = {"If-None-Match": answers[0].headers["etag"]}
    assert [client.get(address, headers=known).status_code for client in three.clients] == [304] * 3


def test_a_session_and_a_token_work_everywhere_and_end_everywhere(three: Nodes) -> None:
    first, second, third = (client.base_url for client in three.clients)
    secret = three.link.partition("#link=")[2]
    opened = httpx.post(first.join("/api/session"), json={"link": secret})
    assert opened.status_code == 200, opened.text
    cookie = {"Cookie": opened.headers["set-cookie"].split(";")[0], "Sec-Fetch-Site": "same-origin"}
    assert httpx.post(second.join("/api/session"), json={"link": secret}).status_code == 401, "a link works once"
    assert httpx.get(third.join("/api/session"), headers=cookie).json() == opened.json()
    made = httpx.post(second.join("/api/tokens"), headers=cookie, json={"name": "laptop"}).json()
    bearer = {"Authorization": f"Bearer {made['token']}"}
    assert httpx.get(third.join("/api/datasets"), headers=bearer).status_code == 200
    assert httpx.delete(third.join(f"/api/tokens/{made['id']}"), headers=cookie).status_code == 204
    assert httpx.get(second.join("/api/datasets"), headers=bearer).status_code == 401
    assert httpx.delete(second.join("/api/session"), headers=cookie).status_code == 204
    assert httpx.get(first.join("/api/session"), headers=cookie).status_code == 401


def test_what_is_answered_once_is_answered_alike_elsewhere(three: Nodes) -> None:
    key = {"Idempotency-Key": str(uuid.uuid4())}

    async def together() -> list[httpx.Response]:
        async with httpx.AsyncClient(headers=three.clients[0].headers, timeout=30) as client:
            urls = [node.base_url.join("/api/tokens") for node in three.clients]
            return list(await asyncio.gather(*(client.post(url, json={"name": "once"}, headers=key) for url in urls)))

    made = [answer for answer in asyncio.run(together()) if answer.status_code == 201]
    later = [client.post("/api/tokens", json={"name": "once"}, headers=key) for client in three.clients]
    assert len({answer.text for answer in (*made, *later)}) == 1
    assert {answer.status_code for answer in later} == {201}
    named = [one for one in three.clients[1].get("/api/tokens").json()["items"] if one["name"] == "once"]
    assert len(named) == 1
    other = three.clients[2].post("/api/tokens", json={"name": "another"}, headers=key)
    assert other.status_code == 422
