"""Nobody gets in without a session or a token, and no one else's page may use one."""

from __future__ import annotations

import re

import httpx
import pytest

from appliance.api import admin
from appliance.api.openapi import describe
from appliance.api.routes import ALL
from tests.api.appliance_under_test import ADDRESS, Appliance

_UUID = "00000000-0000-0000-0000-000000000000"
_OPEN = {("GET", "/healthz"), ("GET", "/readyz"), ("POST", "/api/session")}


def _routes() -> list[tuple[str, str]]:
    paths = describe(ALL).openapi()["paths"]
    return [(method.upper(), path) for path, operations in paths.items() for method in operations]


def test_the_walk_covers_what_is_served() -> None:
    assert len(_routes()) > 40
    assert set(_routes()) >= _OPEN


async def test_every_route_but_the_open_ones_is_closed(api: Appliance) -> None:
    for method, path in _routes():
        if (method, path) in _OPEN:
            continue
        address = re.sub(r"\{[zxy]\}", "0", path).replace("{extension}", "png").replace("{version}", "1.0.0")
        answer = await api.stranger.request(method, re.sub(r"\{\w+\}", _UUID, address))
        assert answer.status_code == 401, (method, path, answer.text)
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["code"] == "unauthenticated"


async def test_unknown_routes_under_api_are_closed_too(api: Appliance) -> None:
    for path in ("/api", "/api/", "/api/no-such", "/api/openapi.json", "/api//session"):
        assert (await api.stranger.get(path)).status_code == 401, path
    assert (await api.stranger.post("/anything")).status_code == 401
    assert (await api.client.get("/api/no-such")).status_code == 404


@pytest.mark.parametrize(
    "header", ["Bearer wrong", "Bearer ", "Basic YTpi", "Bearer \u00e9".encode("latin-1").decode("latin-1")]
)
async def test_wrong_credentials_are_refused(api: Appliance, header: str) -> None:
    answer = await api.stranger.get("/api/datasets", headers={"Authorization": header.encode("latin-1")})  # type: ignore[dict-item]
    assert answer.status_code == 401


async def _link(api: Appliance, **body: str) -> str:
    answer = await api.client.post("/api/links", json=body)
    assert answer.status_code == 201, answer.text
    url: str = answer.json()["url"]
    assert url.startswith(f"{ADDRESS}/sign-in#link=")
    return url.partition("#link=")[2]


async def test_a_link_signs_in_once(api: Appliance) -> None:
    secret = await _link(api, name="ada")
    answer = await api.stranger.post("/api/session", json={"link": secret})
    assert answer.status_code == 200
    assert answer.json()["name"] == "ada"
    assert answer.json()["role"] == "analyst"
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "samesite=strict" in cookie.lower()
    assert (await api.stranger.get("/api/session")).json()["name"] == "ada"
    assert (await api.stranger.post("/api/session", json={"link": secret})).status_code == 401


async def test_secrets_are_not_in_the_database(api: Appliance) -> None:
    secret = await _link(api, name="ada")
    answer = await api.stranger.post("/api/session", json={"link": secret})
    session = answer.cookies["vedette_session"]
    for table in ("links", "sessions", "tokens", "principals"):
        stored = str(await api.sql(f"SELECT {table}::text FROM {table}"))
        assert secret not in stored
        assert session not in stored


async def test_an_expired_link_and_session_end(api: Appliance) -> None:
    secret = await _link(api, name="ada")
    await api.sql("UPDATE links SET expires_at = now() - interval '1 second'")
    assert (await api.stranger.post("/api/session", json={"link": secret})).status_code == 401
    await api.stranger.post("/api/session", json={"link": await _link(api, name="ada")})
    assert (await api.stranger.get("/api/session")).status_code == 200
    await api.sql("UPDATE sessions SET expires_at = now() - interval '1 second'")
    assert (await api.stranger.get("/api/session")).status_code == 401


async def test_signing_out_ends_the_session(api: Appliance) -> None:
    opened = await api.stranger.post("/api/session", json={"link": await _link(api, name="ada")})
    cookie = {"Cookie": f"vedette_session={opened.cookies['vedette_session']}"}
    own = {"Sec-Fetch-Site": "same-origin"}
    assert (await api.stranger.delete("/api/session", headers=own)).status_code == 204
    assert (await api.stranger.get("/api/session", headers=cookie)).status_code == 401


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": "http://evil.test"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "same-origin"}, 201),
        ({"Origin": ADDRESS}, 201),
    ],
)
async def test_a_cookie_works_from_our_own_page_alone(api: Appliance, headers: dict[str, str], status: int) -> None:
    await api.stranger.post("/api/session", json={"link": await _link(api, name="ada")})
    answer = await api.stranger.post("/api/datasets", json={"name": "mine"}, headers=headers)
    assert answer.status_code == status, answer.text


async def test_another_site_cannot_sign_a_browser_in(api: Appliance) -> None:
    secret = await _link(api, name="ada")
    answer = await api.stranger.post("/api/session", json={"link": secret}, headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 403


async def test_passwords_are_the_owners_own(api: Appliance) -> None:
    await api.stranger.post("/api/session", json={"link": await _link(api, name="ada")})
    own = {"Origin": ADDRESS}
    short = await api.stranger.put("/api/account/password", json={"password": "eleven char"}, headers=own)
    assert short.status_code == 422
    right = {"name": "ada", "password": "a sentence of some length"}
    body = {"password": right["password"]}
    assert (await api.stranger.put("/api/account/password", json=body, headers=own)).status_code == 204
    assert (await api.stranger.get("/api/session")).json()["has_password"]
    transport = api.stranger._transport
    async with httpx.AsyncClient(transport=transport, base_url=ADDRESS) as other:
        assert (await other.post("/api/session", json=right)).status_code == 200
        assert (await other.get("/api/session")).json()["name"] == "ada"


async def test_guessing_is_slowed(api: Appliance) -> None:
    wrong = {"name": "administrator", "password": "not the right one"}
    statuses = [(await api.stranger.post("/api/session", json=wrong)).status_code for _ in range(4)]
    assert statuses == [401, 401, 401, 429]
    await api.sql("UPDATE sign_in_failures SET at = now() - interval '1 hour'")
    assert (await api.stranger.post("/api/session", json=wrong)).status_code == 401


async def test_no_account_can_be_entered_without_its_password(api: Appliance) -> None:
    assert (await api.sql("SELECT count(*) FROM principals WHERE password_hash IS NOT NULL")) == [(0,)]


async def test_analysts_may_not_administrate(api: Appliance) -> None:
    await api.stranger.post("/api/session", json={"link": await _link(api, name="ada")})
    own = {"Origin": ADDRESS}
    await api.stranger.post("/api/datasets", json={"name": "mine"}, headers=own)
    for method, path in (("POST", "/api/links"), ("DELETE", "/api/datasets/mine")):
        answer = await api.stranger.request(method, path, headers=own, json={})
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


async def test_tokens_are_shown_once_and_belong_to_their_maker(api: Appliance) -> None:
    made = (await api.client.post("/api/tokens", json={"name": "ci"})).json()
    bearer = {"Authorization": f"Bearer {made['token']}"}
    assert (await api.stranger.get("/api/session", headers=bearer)).json()["name"] == admin.ADMINISTRATOR
    listed = (await api.client.get("/api/tokens")).json()["items"]
    assert made["id"] in [one["id"] for one in listed]
    assert made["token"] not in str(listed)
    assert (await api.client.delete(f"/api/tokens/{made['id']}")).status_code == 204
    assert (await api.stranger.get("/api/session", headers=bearer)).status_code == 401


async def test_the_local_token_replaces_the_one_before(api: Appliance) -> None:
    first = await admin.create_token(api.url)
    second = await admin.create_token(api.url)
    statuses = []
    for token in (first, second):
        answer = await api.stranger.get("/api/session", headers={"Authorization": f"Bearer {token}"})
        statuses.append(answer.status_code)
    assert statuses == [401, 200]


async def test_the_first_link_makes_an_administrator(api: Appliance, migrated_url: str) -> None:
    link = await admin.create_link(migrated_url, api.services.settings, "chief")
    answer = await api.stranger.post("/api/session", json={"link": link.url.partition("#link=")[2]})
    assert answer.json()["role"] == "administrator"
