"""The stream of events, as Server-Sent Events (WHATWG HTML, 9.2). Called by routes/events.py."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from typing import Any

from appliance.clients.messaging import Delivery, Messaging
from appliance.contracts.errors import VedetteError

_HEARTBEAT_SECONDS = 15.0
_HEARTBEAT = b": still here\n\n"
_RETRY = b"retry: 2000\n\n"

StillSignedIn = Callable[[], Awaitable[object]]


class EventStreams:
    """`stopping` is set when the process is asked to end: streams end with it, or the server would wait for them."""

    def __init__(self, messaging: Messaging, stopping: asyncio.Event, heartbeat: float = _HEARTBEAT_SECONDS) -> None:
        self._messaging, self._stopping, self._heartbeat = messaging, stopping, heartbeat

    async def stream(self, after: int | None, still_signed_in: StillSignedIn) -> AsyncIterator[bytes]:
        """Frames until the client goes, its session ends, or the process stops."""
        source = self._messaging.events(after)
        stopping: asyncio.Future[Any] = asyncio.ensure_future(self._stopping.wait())
        following: asyncio.Future[Any] = asyncio.ensure_future(anext(source))
        clock = asyncio.get_running_loop().time
        checked = clock()
        try:
            yield _RETRY
            while not self._stopping.is_set():
                await asyncio.wait({following, stopping}, timeout=self._heartbeat, return_when=asyncio.FIRST_COMPLETED)
                if clock() - checked >= self._heartbeat * 0.9:
                    await still_signed_in()
                    checked = clock()
                    yield _HEARTBEAT
                if following.done():
                    yield _frame(following.result())
                    following = asyncio.ensure_future(anext(source))
        except (VedetteError, StopAsyncIteration):
            # The client comes back by itself, with Last-Event-ID, and is then told what is wrong.
            return
        finally:
            await _end(following)
            await _end(stopping)
            close = getattr(source, "aclose", None)
            if close is not None:
                await close()


async def _end(task: asyncio.Future[Any]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError, StopAsyncIteration, VedetteError):
        await task


def _frame(delivery: Delivery) -> bytes:
    """No `event:` field, so that one listener hears all; the kind stands in the data."""
    return b"id: %d\ndata: %s\n\n" % (delivery.sequence, delivery.data.replace(b"\n", b" "))
