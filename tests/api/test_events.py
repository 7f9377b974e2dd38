"""The stream of events: live, resumable, ended with the session or the process."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

from appliance.api.services.events import EventStreams
from appliance.contracts.errors import Code, VedetteError
from tests.api.appliance_under_test import Appliance


async def _yes() -> None:
    return None


async def _next_event(stream: AsyncIterator[bytes], item: UUID) -> tuple[int, dict[str, Any]]:
    """The next event about this item; other tests share the server."""
    async with asyncio.timeout(20):
        async for frame in stream:
            lines = dict(line.split(": ", 1) for line in frame.decode().strip().split("\n") if not line.startswith(":"))
            if "data" in lines and json.loads(lines["data"])["item_id"] == str(item):
                return int(lines["id"]), json.loads(lines["data"])
    raise AssertionError("the stream ended")


async def _publish(api: Appliance) -> None:
    while await api.publisher.once():
        pass


async def test_events_come_in_order_and_resume(api: Appliance) -> None:
    stream = api.services.events.stream(None, _yes)
    assert (await anext(stream)).startswith(b"retry:")
    waiting = asyncio.ensure_future(anext(stream))
    await asyncio.sleep(0.5)
    item = await api.push()
    await _publish(api)
    frame = await asyncio.wait_for(waiting, 20)
    first = int(frame.split(b"\n")[0].removeprefix(b"id: "))
    _, second = await _next_event(stream, item)
    await stream.aclose()
    assert (json.loads(frame.split(b"data: ")[1])["kind"], second["state"]) == ("item.created", "queued")
    resumed = api.services.events.stream(first, _yes)
    number, event = await _next_event(resumed, item)
    assert number > first
    assert event == second
    await resumed.aclose()


async def test_a_quiet_stream_beats_and_ends_with_the_session(api: Appliance) -> None:
    signed_in = [True, True, False]

    async def check() -> None:
        if not signed_in.pop(0):
            raise VedetteError(Code.UNAUTHENTICATED, "This session has ended.")

    streams = EventStreams(api.messaging, asyncio.Event(), heartbeat=0.2)
    async with asyncio.timeout(20):
        frames = [frame async for frame in streams.stream(None, check)]
    assert frames[0].startswith(b"retry:")
    assert frames[1:] == [b": still here\n\n"] * 2


async def test_streams_end_with_the_process(api: Appliance) -> None:
    stream = api.services.events.stream(None, _yes)
    await anext(stream)
    waiting = asyncio.ensure_future(anext(stream, None))
    await asyncio.sleep(0.1)
    api.stopping.set()
    assert await asyncio.wait_for(waiting, 5) is None


async def test_a_wrong_place_to_resume_is_refused(api: Appliance) -> None:
    answer = await api.client.get("/api/events", headers={"Last-Event-ID": "abc"})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
