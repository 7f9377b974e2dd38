"""One connection to NATS that is never given up: used by messaging.py, which asks for `context` at every call.

The client reconnects by itself, but closes for good on some of the server's refusals (an authentication that timed out
while the server was stalled, say). Then another takes its place. Knows neither streams nor messages.
"""

from __future__ import annotations

import asyncio
import contextlib

import nats.errors
from nats.aio.client import Client
from nats.js import JetStreamContext

from appliance.clients import logging
from appliance.clients.settings import MessagingSettings
from appliance.contracts.errors import Code, VedetteError

REQUEST_SECONDS = 5.0
_PAUSE_SECONDS = 1.0
_PROBLEMS = (OSError, nats.errors.Error, TimeoutError)


class Connection:
    """`client` and `context` are those of the moment."""

    client: Client
    context: JetStreamContext

    def __init__(self, settings: MessagingSettings, name: str) -> None:
        self._settings, self._name = settings, name
        self._leaving = False
        self._returning: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Raises VedetteError(UNAVAILABLE, retryable) when no server answers within ten seconds or ours is refused."""
        client, problems, joined = Client(), list[Exception](), False

        async def on_error(error: Exception) -> None:
            if not any(map(_is_refusal, problems)):  # what comes after a refusal is only the hanging up
                problems[:] = [error]
            logging.get().warning("messaging", problem=str(error) or type(error).__name__)
            if not joined and _is_refusal(error):
                raise error  # ends the attempt: asking again with the same password is no use

        async def on_closed() -> None:
            if joined and not self._leaving and (self._returning is None or self._returning.done()):
                self._returning = asyncio.create_task(self._return())

        try:
            async with asyncio.timeout(2 * REQUEST_SECONDS):
                await client.connect(
                    servers=[self._settings.url],
                    name=self._name,
                    user=self._settings.user or None,
                    password=self._settings.password.get_secret_value() or None,
                    error_cb=on_error,
                    closed_cb=on_closed,
                    connect_timeout=2,
                    reconnect_time_wait=1,
                    max_reconnect_attempts=-1,
                    ping_interval=10,
                    max_outstanding_pings=2,
                )
        except _PROBLEMS as error:
            await client.close()
            why = str(problems[-1]) if problems else str(error)
            message = f"The messaging server at {self._settings.url} cannot be used: {why or 'no answer'}."
            remedy = "Check that it runs (`vedette status`) and the VEDETTE_NATS_* settings."
            raise VedetteError(Code.UNAVAILABLE, message, remedy, retryable=True) from error
        self.client, self.context = client, client.jetstream(timeout=REQUEST_SECONDS)
        joined = True

    async def _return(self) -> None:
        logging.get().warning("messaging", problem="the connection was closed for good; making another")
        while not self._leaving:
            try:
                await self.open()
            except VedetteError:
                await asyncio.sleep(_PAUSE_SECONDS)
            else:
                return

    async def close(self) -> None:
        """Send what is buffered, if the server is there, and hang up."""
        self._leaving = True
        if self._returning is not None:
            self._returning.cancel()
            await asyncio.gather(self._returning, return_exceptions=True)
        with contextlib.suppress(*_PROBLEMS):
            if self.client.is_connected:
                await self.client.flush(timeout=2)
        await self.client.close()


def _is_refusal(error: Exception) -> bool:
    return "authorization" in str(error).lower()
