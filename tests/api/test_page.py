"""The page is served to anyone, and nothing beside it."""

from __future__ import annotations

from pathlib import Path

import httpx
from fastapi import FastAPI

from appliance.api.routes.page import page_router
from tests.api.appliance_under_test import Appliance


async def test_a_page_that_was_not_built_says_so(api: Appliance) -> None:
    answer = await api.stranger.get("/")
    assert answer.status_code == 503
    assert "make page" in answer.text


async def test_files_and_addresses_of_the_page(api: Appliance, page_folder: Path) -> None:
    (page_folder / "assets").mkdir(parents=True)
    (page_folder / "index.html").write_text("<!doctype html>index")
    (page_folder / "assets" / "app-1a2b.js").write_text("1")
    (page_folder.parent / "secret.txt").write_text("secret")
    for path in ("/", "/datasets/port/items/1", "/sign-in"):
        answer = await api.stranger.get(path)
        assert (answer.status_code, answer.text) == (200, "<!doctype html>index")
        assert answer.headers["cache-control"] == "no-cache"
    script = await api.stranger.get("/assets/app-1a2b.js")
    assert "immutable" in script.headers["cache-control"]
    assert script.headers["content-type"].startswith("text/javascript")
    assert (await api.stranger.get("/assets/gone.js")).status_code == 404
    for path in ("/../secret.txt", "/%2e%2e/secret.txt", "/..%2fsecret.txt", "/assets/../../secret.txt", "/%00"):
        assert "secret" not in (await api.stranger.get(path)).text, path


async def test_a_marking_is_on_every_page_before_anybody_signs_in(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("<!doctype html><html><body><div id=root></div></body></html>")
    app = FastAPI()
    app.include_router(page_router(tmp_path, "SECRET // <REL>", "red"))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://vedette.test") as stranger:
        for path in ("/", "/index.html", "/status", "/sign-in"):
            answer = await stranger.get(path)
            assert answer.headers["cache-control"] == "no-cache"
            above, below = answer.text.split("<div id=root></div>")
            for part, where in ((above, "above"), (below, "below")):
                assert f'aria-label="Marking {where}">SECRET // &lt;REL&gt;</aside>' in part
                assert 'data-colour="red"' in part
