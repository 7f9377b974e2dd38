"""Uploads go straight to the store, in parts, can be resumed, and the same content is one item."""

from __future__ import annotations

import secrets
from uuid import UUID

import pytest

from appliance.api.services.naming import file_name
from appliance.contracts import keys
from appliance.contracts.errors import Code, Reason, VedetteError
from appliance.contracts.item import item_id
from appliance.contracts.messages import ItemReport, WorkFailed
from tests.api.appliance_under_test import DATASET, Appliance

PART = 5 << 20


async def test_an_upload_arrives_whole_and_is_queued(api: Appliance) -> None:
    content = secrets.token_bytes(1000)
    item = await api.push(content)
    assert api.store.get_bytes(keys.original(item), 2000) == content
    found = (await api.client.get(f"/api/items/{item}")).json()
    assert (found["state"], found["assets"][0]["role"]) == ("queued", "original")
    ((body,),) = await api.sql("SELECT body FROM outbox WHERE subject = 'media.normalise'")
    assert body["item_id"] == str(item)
    assert body["attempt"] == 1
    redirect = await api.client.get(f"/api/items/{item}/original")
    assert redirect.status_code == 307
    assert (await api.outside.get(redirect.headers["location"])).content == content


async def test_the_identifier_follows_from_dataset_and_content(api: Appliance) -> None:
    announced = (await api.announce(b"same content")).json()["item"]
    assert UUID(announced["id"]) == item_id(DATASET, announced["sha256"])


async def test_an_upload_is_resumed_where_it_stopped(api: Appliance) -> None:
    content = secrets.token_bytes(2 * PART + 1000)
    announced = (await api.announce(content)).json()
    item, upload = announced["item"]["id"], announced["upload"]
    assert [part["size_bytes"] for part in upload["parts"]] == [PART, PART, 1000]
    second = {**upload, "parts": [upload["parts"][1]]}
    await api.send(second, content)

    early = await api.client.post(f"/api/items/{item}/upload/complete")
    assert (early.status_code, early.json()["code"]) == (409, "conflict")
    assert "2 of 3 parts" in early.json()["detail"]

    resumed = (await api.client.get(f"/api/items/{item}/upload")).json()
    assert [part["done"] for part in resumed["parts"]] == [False, True, False]
    assert resumed["parts"][1]["url"] is None
    again = await api.announce(content)
    assert again.status_code == 200
    assert [part["done"] for part in again.json()["upload"]["parts"]] == [False, True, False]

    await api.send(resumed, content)
    assert (await api.client.post(f"/api/items/{item}/upload/complete")).status_code == 200
    assert api.store.get_bytes(keys.original(UUID(item)), 1 << 30) == content
    assert (await api.client.get(f"/api/items/{item}/upload")).status_code == 409


async def test_completing_twice_queues_once(api: Appliance) -> None:
    item = await api.push()
    assert (await api.client.post(f"/api/items/{item}/upload/complete")).status_code == 200
    assert await api.sql("SELECT count(*) FROM outbox WHERE subject = 'media.normalise'") == [(1,)]


async def test_completing_survives_a_crash_between_store_and_database(api: Appliance) -> None:
    content = b"x" * 100
    announced = (await api.announce(content)).json()
    item = UUID(announced["item"]["id"])
    await api.send(announced["upload"], content)
    ((upload_id,),) = await api.sql("SELECT upload_id FROM items")
    parts = api.store.list_parts(keys.original(item), upload_id)
    api.store.complete_multipart(keys.original(item), upload_id, parts)
    assert (await api.client.post(f"/api/items/{item}/upload/complete")).json()["state"] == "queued"


async def test_the_same_content_is_one_item(api: Appliance) -> None:
    item = await api.push(b"the same", name="a.tif")
    again = await api.announce(b"the same", name="b.tif")
    assert again.status_code == 200
    assert again.json()["upload"] is None
    assert again.json()["item"]["id"] == str(item)
    other = await api.announce(b"the same", name="a.tif", dataset="other")
    assert other.status_code == 201


async def test_another_content_may_not_take_a_name(api: Appliance) -> None:
    await api.push(b"one", name="scene.tif")
    answer = await api.announce(b"two", name="scene.tif")
    assert answer.status_code == 409
    assert "scene.tif" in answer.json()["detail"]


async def test_sizes_are_limited(api: Appliance) -> None:
    await api.client.post("/api/datasets", json={"name": DATASET})
    for size, status in ((0, 422), (-1, 422), (1 << 50, 413)):
        body = {"name": "a.tif", "size_bytes": size, "sha256": f"sha256:{'0' * 64}"}
        assert (await api.client.post(f"/api/datasets/{DATASET}/items", json=body)).status_code == status


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("scene.tif", "scene.tif"),
        ("/home/ada/scene.tif", "scene.tif"),
        ("C:\\scenes\\scene.tif", "scene.tif"),
        ("../../etc/passwd", "passwd"),
        ("a\0b\r\n\u202e.tif", "ab.tif"),
        ("e\u0301.tif", "\u00e9.tif"),
        ("x" * 400 + ".tif", "x" * 251 + ".tif"),
    ],
)
def test_names_are_made_fit(given: str, kept: str) -> None:
    assert file_name(given) == kept


@pytest.mark.parametrize("given", ["..", "/", "\0", " . "])
def test_no_name_is_refused(given: str) -> None:
    with pytest.raises(VedetteError):
        file_name(given)


async def test_deleting_removes_row_and_objects(api: Appliance) -> None:
    content = b"to be deleted"
    item = await api.push(content)
    api.store.put_bytes(keys.thumbnail(item), b"png", "image/png")
    assert (await api.client.delete(f"/api/items/{item}")).status_code == 204
    assert (await api.client.delete(f"/api/items/{item}")).status_code == 404
    assert await api.removals.once()
    assert list(api.store.list_objects(keys.item_prefix(item))) == []
    assert not await api.removals.once()
    assert await api.push(content) == item


async def test_what_was_pushed_again_is_not_removed(api: Appliance) -> None:
    content = b"deleted and pushed again"
    item = await api.push(content)
    await api.client.delete(f"/api/items/{item}")
    await api.push(content)
    await api.removals.once()
    assert api.store.get_bytes(keys.original(item), 100) == content


async def test_a_failed_item_is_retried(api: Appliance) -> None:
    item = await api.push()
    reason = Reason(code=Code.TRUNCATED, message="scene.tif ends early.", remedy="Copy it again.")
    await api.report(ItemReport(item_id=item, attempt=1, body=WorkFailed(reason=reason)))
    found = (await api.client.get(f"/api/items/{item}")).json()
    assert (found["state"], found["reason"]["message"]) == ("failed", "scene.tif ends early.")
    retried = (await api.client.post(f"/api/items/{item}/retry")).json()
    assert (retried["state"], retried["reason"]) == ("queued", None)
    sent = await api.sql("SELECT body->>'attempt' FROM outbox WHERE subject = 'media.normalise' ORDER BY id")
    assert sent == [("1",), ("2",)]


async def test_pages_follow_each_other(api: Appliance) -> None:
    made = [str(await api.push(name=f"{number}.tif")) for number in range(5)]
    seen: list[str] = []
    cursor = None
    while True:
        params = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = (await api.client.get(f"/api/datasets/{DATASET}/items", params=params)).json()
        seen += [item["id"] for item in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert seen == made[::-1]


async def test_deleting_a_dataset_takes_all_with_it(api: Appliance) -> None:
    item = await api.push_ready()
    snapshot = await api.client.post(f"/api/datasets/{DATASET}/snapshots", json={})
    assert snapshot.status_code == 201
    assert (await api.client.delete(f"/api/items/{item}")).status_code == 409
    assert (await api.client.delete(f"/api/datasets/{DATASET}")).status_code == 204
    assert (await api.client.get(f"/api/items/{item}")).status_code == 404
    while await api.removals.once():
        pass
    assert list(api.store.list_objects(keys.item_prefix(item))) == []
    assert list(api.store.list_objects(keys.snapshot_prefix(snapshot.json()["digest"]))) == []
