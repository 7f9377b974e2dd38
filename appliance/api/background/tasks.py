"""Start the background work with the process, keep each part going, and end it cleanly. Called by app.py's lifespan."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager

from appliance.api.background.placer import Placer
from appliance.api.background.publisher import Publisher
from appliance.api.background.reconciler import Reconciler
from appliance.api.background.removals import Removals
from appliance.api.background.reports import ReportConsumer
from appliance.api.services.roster import Roster
from appliance.clients import logging
from appliance.contracts.errors import VedetteError

Part = Callable[[], Awaitable[None]]
_FIRST_PAUSE_SECONDS, _LAST_PAUSE_SECONDS = 0.5, 15.0


@asynccontextmanager
async def running(
    publisher: Publisher,
    reports: ReportConsumer,
    reconciler: Reconciler,
    removals: Removals,
    placer: Placer,
    roster: Roster,
    more: Mapping[str, Part] | None = None,
) -> AsyncIterator[None]:
    """`more`: what a cluster adds, by name."""
    parts: dict[str, Part] = {
        "publisher": publisher.forever,
        "reports": reports.forever,
        "reconciler": reconciler.forever,
        "removals": removals.forever,
        "placer": placer.forever,
        "roster": roster.keep,
        **(more or {}),
    }
    tasks = [asyncio.create_task(_kept_going(name, part), name=name) for name, part in parts.items()]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _kept_going(name: str, part: Part) -> None:
    """Run a part again whenever it fails, with a growing pause: a server that is away comes back."""
    pause, loop = _FIRST_PAUSE_SECONDS, asyncio.get_running_loop()
    while True:
        began = loop.time()
        try:
            await part()
        except VedetteError as error:
            logging.get().warning("background work interrupted", part=name, why=str(error))
        except Exception as error:
            logging.get().error("background work failed", part=name, exc_info=error)
        if loop.time() - began > _LAST_PAUSE_SECONDS:
            pause = _FIRST_PAUSE_SECONDS
        await asyncio.sleep(pause)
        pause = min(pause * 2, _LAST_PAUSE_SECONDS)
