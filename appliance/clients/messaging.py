"""NATS JetStream for asyncio: durable publishing, pull consumers with a heartbeat, and two key-value buckets."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from uuid import UUID

from appliance.clients.settings import MessagingSettings
from appliance.contracts.base import Contract, RunId
from appliance.contracts.worker import WorkerAnnouncement


@dataclass(frozen=True)
class Delivery:
    """One message as it was delivered: `delivered` counts deliveries of this message, from 1."""

    subject: str
    data: bytes
    sequence: int
    delivered: int


Handler = Callable[[Delivery], Awaitable[None]]


class Messaging:
    """One connection. Reconnects by itself for ever; `publish` raises VedetteError(UNAVAILABLE, retryable) meanwhile."""

    @classmethod
    async def connect(cls, settings: MessagingSettings, name: str) -> Messaging:
        raise NotImplementedError

    async def close(self) -> None: ...
    async def ready(self) -> bool:
        raise NotImplementedError

    async def ensure_streams(self) -> None:
        """Create or update the streams and buckets of contracts/messages.py; idempotent, called by every process."""

    async def publish(self, subject: str, message: Contract, message_id: str) -> None:
        """Return once JetStream has stored it. The same `message_id` within two minutes is stored once."""

    async def work(self, stream: str, subject: str, durable: str, handler: Handler, concurrency: int) -> None:
        """Pull and handle messages until cancelled, `concurrency` at once, each in a task of its own.

        While a handler runs, `in_progress` is sent every third of the acknowledgement wait, so that long work is not
        redelivered; returning acknowledges; VedetteError that is retryable and any other exception negatively
        acknowledges with a back-off; VedetteError that is not retryable terminates the message (the handler has
        already reported it).
        """

    async def announce(self, worker: WorkerAnnouncement) -> None: ...
    async def workers(self) -> list[WorkerAnnouncement]:
        raise NotImplementedError

    async def forget_worker(self, worker_id: UUID) -> None: ...
    async def cancel_run(self, run_id: RunId) -> None: ...
    async def forget_cancellation(self, run_id: RunId) -> None: ...
    async def is_cancelled(self, run_id: RunId) -> bool:
        raise NotImplementedError

    def cancellations(self) -> AsyncIterator[RunId]:
        """Runs cancelled so far, then every further one as it happens."""
        raise NotImplementedError

    def events(self, after_sequence: int | None) -> AsyncIterator[Delivery]:
        """Events after that sequence (None: from now on), in order, gaps never; ends only when cancelled."""
        raise NotImplementedError
