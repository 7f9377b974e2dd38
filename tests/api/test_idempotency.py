"""`Idempotency-Key`: one token however often its request is sent, and a database that does not give it away."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import uuid4

import pytest

from appliance.api.services.idempotency import Answer, Once, sealed, unsealed
from tests.api.appliance_under_test import Appliance


async def _names(api: Appliance) -> list[str]:
    return [one["name"] for one in (await api.client.get("/api/tokens")).json()["items"]]


async def test_the_same_request_is_answered_once(api: Appliance) -> None:
    headers = {"Idempotency-Key": f'"{uuid4()}"'}
    answers = [await api.client.post("/api/tokens", json={"name": "mine"}, headers=headers) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()
    assert (await _names(api)).count("mine") == 1
    bearer = {"Authorization": f"Bearer {answers[1].json()['token']}"}
    assert (await api.stranger.get("/api/session", headers=bearer)).status_code == 200
    [(answer,)] = await api.sql("SELECT answer FROM idempotency_keys")
    assert answers[0].json()["token"].encode() not in bytes(answer)


async def test_links_and_others_requests_have_keys_of_their_own(api: Appliance) -> None:
    headers = {"Idempotency-Key": str(uuid4())}
    first = await api.client.post("/api/links", json={"name": "ada"}, headers=headers)
    again = await api.client.post("/api/links", json={"name": "ada"}, headers=headers)
    assert first.json() == again.json()
    other = await api.client.post("/api/links", json={"name": "bob"}, headers=headers)
    assert (other.status_code, other.json()["code"]) == (422, "invalid")
    fresh = await api.client.post("/api/links", json={"name": "ada"}, headers={"Idempotency-Key": str(uuid4())})
    assert fresh.json() != first.json()


async def test_at_the_same_moment_there_is_one(api: Appliance) -> None:
    headers = {"Idempotency-Key": str(uuid4())}
    answers = await asyncio.gather(
        *(api.client.post("/api/tokens", json={"name": "many"}, headers=headers) for _ in range(8))
    )
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert len({answer.json()["token"] for answer in answers if answer.status_code == 201}) == 1
    assert (await _names(api)).count("many") == 1


async def test_what_was_refused_may_be_tried_again(api: Appliance) -> None:
    headers = {"Idempotency-Key": str(uuid4())}
    wrong = await api.client.post("/api/datasets/later/snapshots", json={}, headers=headers)
    assert wrong.status_code == 404
    assert await api.sql("SELECT 1 FROM idempotency_keys") == []
    await api.push_ready(dataset="later")
    made = await api.client.post("/api/datasets/later/snapshots", json={}, headers=headers)
    assert made.status_code == 201
    await api.push_ready(dataset="later", name="another.tif")
    again = await api.client.post("/api/datasets/later/snapshots", json={}, headers=headers)
    assert again.json() == made.json(), "the snapshot of that moment, though there is another scene now"


async def test_answers_are_kept_for_a_day(api: Appliance) -> None:
    headers = {"Idempotency-Key": str(uuid4())}
    first = await api.client.post("/api/tokens", json={"name": "old"}, headers=headers)
    await api.sql("UPDATE idempotency_keys SET created_at = now() - interval '25 hours'")
    again = await api.client.post("/api/tokens", json={"name": "old"}, headers=headers)
    assert again.json()["token"] != first.json()["token"]


@pytest.mark.parametrize("key", ["short", "", '"unclosed', "x" * 200, "has a space in the middle"])
async def test_a_key_that_is_none_is_refused(api: Appliance, key: str) -> None:
    answer = await api.client.post("/api/tokens", json={"name": "never"}, headers={"Idempotency-Key": key})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
    assert "never" not in await _names(api)


def test_a_sealed_answer_opens_with_its_key_alone() -> None:
    made: dict[str, Any] = {"principal_id": uuid4(), "fingerprint": b"f" * 32}
    answer = Answer(201, "application/json", b'{"token": "secret"}')
    kept = sealed(answer, Once(key="a" * 16, **made))
    assert unsealed(kept, Once(key="a" * 16, **made)) == answer
    with pytest.raises(ValueError, match="MAC"):
        unsealed(kept, Once(key="b" * 16, **made))
