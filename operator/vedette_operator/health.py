"""/healthz and /readyz for the kubelet. Started by main.py.

Alive: events still arrive while the API server answers us. Our own Lease changes every two seconds and is watched, so silence
means a watch that has gone deaf. While the API server is away nothing can arrive, and starting again would not help.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiohttp import web

from vedette_operator.lease import Lease
from vedette_operator.tracker import Tracker

SILENCE_SECONDS = 40.0


@dataclass
class Health:
    """`ready`: the caches are filled. `since`: from when on silence counts."""

    lease: Lease
    tracker: Tracker
    ready: bool = False
    since: float = float("inf")

    def watching(self) -> None:
        self.ready, self.since = True, asyncio.get_running_loop().time()

    @property
    def deaf(self) -> bool:
        """The API server has answered for long without any event."""
        heard = max(self.tracker.heard, self.since)
        return self.lease.answered - heard > SILENCE_SECONDS

    async def healthz(self, _: web.Request) -> web.Response:
        if self.deaf:
            return web.Response(status=503, text="No event has come for long, though the API server answers.\n")
        return web.Response(text="ok\n")

    async def readyz(self, _: web.Request) -> web.Response:
        return (
            web.Response(text="ok\n") if self.ready else web.Response(status=503, text="The caches are being filled.\n")
        )


@asynccontextmanager
async def served(health: Health, host: str, port: int) -> AsyncIterator[None]:
    application = web.Application()
    application.add_routes([web.get("/healthz", health.healthz), web.get("/readyz", health.readyz)])
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        yield
    finally:
        await runner.cleanup()
