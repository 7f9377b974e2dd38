"""A tab that slept, and one whose stream has gone silent, find out by themselves what they missed."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from tests.browser import steps
from tests.browser.conftest import one_time_link
from tests.conftest import Stack

pytestmark = [pytest.mark.browser, pytest.mark.stack, pytest.mark.timeout(400)]
_PIECE = 1 << 16


class Relay:
    """Between the page and the appliance. `silence` lets nothing more through of the event streams that are open, and
    leaves their lines standing, as a proxy does that forgot them."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._streams: set[asyncio.StreamWriter] = set()
        self._silent: set[asyncio.StreamWriter] = set()
        self._connections: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def serve(self) -> AsyncIterator[int]:
        """Its port on loopback."""
        server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        try:
            yield server.sockets[0].getsockname()[1]
        finally:
            server.close()
            open_ones = list(self._connections)
            for connection in open_ones:
                connection.cancel()
            await asyncio.gather(*open_ones, return_exceptions=True)

    def silence(self) -> int:
        """How many streams were open."""
        self._silent |= self._streams
        return len(self._streams)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = asyncio.current_task()
        assert connection is not None
        self._connections.add(connection)
        server_reader, server_writer = await asyncio.open_connection(self._host, self._port)
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(self._pass_on(reader, server_writer, writer))
                both.create_task(self._pass_on(server_reader, writer, writer))
        finally:
            self._streams.discard(writer)
            self._connections.discard(connection)
            for one in (writer, server_writer):
                one.close()

    async def _pass_on(
        self, source: asyncio.StreamReader, target: asyncio.StreamWriter, browser: asyncio.StreamWriter
    ) -> None:
        try:
            while piece := await source.read(_PIECE):
                if piece.startswith(b"GET /api/events"):
                    self._streams.add(browser)
                if browser not in self._silent:
                    target.write(piece)
                    await target.drain()
            if browser not in self._silent:
                target.write_eof()
        except OSError:
            pass


@pytest_asyncio.fixture
async def relay(stack: Stack) -> AsyncIterator[tuple[Relay, str]]:
    """And its address."""
    at = urlsplit(stack.url)
    made = Relay(str(at.hostname), int(at.port or 80))
    async with made.serve() as port:
        yield made, f"http://127.0.0.1:{port}"


def _new_dataset(stack: Stack) -> str:
    name = f"waking-{secrets.token_hex(3)}"
    assert stack.vedette("dataset", "create", name).returncode == 0
    return name


async def _push(stack: Stack, dataset: str, scene: Path) -> None:
    pushed = await asyncio.to_thread(stack.vedette, "item", "push", str(scene), "--dataset", dataset, "--wait")
    assert pushed.returncode == 0, pushed.stderr


async def test_a_stream_that_went_silent_is_opened_anew(
    page: Page, stack: Stack, relay: tuple[Relay, str], real_scene: Path
) -> None:
    made, address = relay
    dataset = _new_dataset(stack)
    await page.clock.install()
    await page.goto(one_time_link(stack).replace(stack.url, address))
    await page.get_by_role("button", name="Account of").wait_for()
    await page.goto(f"{address}/?dataset={dataset}")
    await page.get_by_role("button", name="Choose files").wait_for()
    await page.wait_for_timeout(3000)
    assert made.silence() > 0
    await _push(stack, dataset, real_scene)
    await page.wait_for_timeout(2000)
    assert await steps.card(page, real_scene.name).count() == 0, "the stream was not silent: nothing is tested"
    await page.clock.fast_forward("03:20")
    await steps.card(page, real_scene.name, "ready").wait_for(timeout=20_000)


async def test_a_tab_that_slept_a_day_asks_who_sits_there_and_catches_up(
    signed_in: Page, stack: Stack, real_scene: Path
) -> None:
    page = signed_in
    password = secrets.token_urlsafe(16)
    headers = {"Origin": stack.url}
    changed = await page.request.put(f"{stack.url}/api/account/password", data={"password": password}, headers=headers)
    assert changed.ok, await changed.text()
    dataset = _new_dataset(stack)
    await page.clock.install()
    await page.goto(f"{stack.url}/?dataset={dataset}")
    await page.get_by_role("button", name="Choose files").wait_for()

    await page.context.set_offline(True)
    cookies = {one["name"]: one["value"] for one in await page.context.cookies()}
    async with httpx.AsyncClient(cookies=cookies, headers=headers) as elsewhere:
        assert (await elsewhere.delete(f"{stack.url}/api/session")).status_code == 204
    await _push(stack, dataset, real_scene)
    await page.clock.fast_forward("24:00:00")
    await page.context.set_offline(False)

    asked = page.get_by_role("dialog", name="Your session has ended")
    await asked.wait_for()
    await asked.get_by_label("Password").fill(password)
    await asked.get_by_role("button", name="Sign in").click()
    await asked.wait_for(state="detached")
    await expect(steps.card(page, real_scene.name, "ready")).to_be_visible(timeout=30_000)
    assert steps.query(page)["dataset"] == dataset
