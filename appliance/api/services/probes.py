"""Ask a server whether it answers, and be answered in time even when it hangs. Called by services/health.py.

A question to a hung server cannot be taken back: the driver waits for its connection, a thread for its socket. It is
therefore left alone, one of them per server at most, and whoever asks meanwhile hears that the server does not answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime

from appliance.api.views.work import ServerState
from appliance.clients import logging
from appliance.contracts.base import now
from appliance.contracts.errors import VedetteError

PATIENCE_SECONDS = 1.5
"""Within the two seconds in which /readyz answers, of which the supervisor waits for nearly all."""


@dataclass
class Probe:
    """`question` returns when the server answered as it should, and raises VedetteError when not."""

    name: str
    question: Callable[[], Awaitable[None]]
    _asking: asyncio.Task[None] | None = None
    _since: datetime | None = field(default=None)

    async def ask(self) -> ServerState:
        if self._asking is None:
            self._asking = asyncio.create_task(self._ask(), name=f"probe-{self.name}")
        asking = self._asking
        done, _ = await asyncio.wait({asking}, timeout=PATIENCE_SECONDS)
        if not done:
            return self._noted(f"It has not answered within {PATIENCE_SECONDS} s.")
        if self._asking is asking:
            self._asking = None
        error = None if asking.cancelled() else asking.exception()
        if isinstance(error, VedetteError):
            return self._noted(str(error.reason))
        if error is not None:
            raise error
        return self._noted("")

    async def _ask(self) -> None:
        await self.question()

    def _noted(self, problem: str) -> ServerState:
        if problem and self._since is None:
            self._since = now()
            logging.get().warning("server does not answer", server=self.name, problem=problem)
        if not problem and self._since is not None:
            seconds = round((now() - self._since).total_seconds(), 1)
            logging.get().info("server answers again", server=self.name, seconds=seconds)
            self._since = None
        return ServerState(answers=not problem, problem=problem, since=self._since)
