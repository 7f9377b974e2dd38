"""NATS JetStream for asyncio: durable publishing, pull consumers with a heartbeat, and two key-value buckets."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from uuid import UUID

import nats
import nats.errors
from nats.aio.client import Client
from nats.js import errors as js_errors
from nats.js.kv import KeyValue
from pydantic import ValidationError

from appliance.clients import follow, jetstream, logging, work_queue
from appliance.clients.jetstream import translated
from appliance.clients.settings import MessagingSettings
from appliance.clients.work_queue import Delivery, Handler
from appliance.contracts import messages
from appliance.contracts.base import Contract, RunId
from appliance.contracts.errors import Code, VedetteError
from appliance.contracts.worker import WorkerAnnouncement

__all__ = ["Delivery", "Handler", "Messaging"]

_REQUEST_SECONDS = 5.0


class Messaging:
    """One connection. Reconnects by itself for ever; every method that talks to the server raises
    VedetteError(UNAVAILABLE, retryable) meanwhile. `work`, `cancellations` and `events` go on by themselves."""

    def __init__(self, client: Client, ack_wait_seconds: float) -> None:
        self._client = client
        self._stream = client.jetstream(timeout=_REQUEST_SECONDS)
        self._ack_wait = ack_wait_seconds

    @classmethod
    async def connect(cls, settings: MessagingSettings, name: str, ack_wait_seconds: float = 30.0) -> Messaging:
        """Raises VedetteError(UNAVAILABLE, retryable) when no server answers within ten seconds or ours is refused."""
        client = Client()
        problems: list[Exception] = []
        joined = False

        async def on_error(error: Exception) -> None:
            problems[:] = [error]
            logging.get().warning("messaging", problem=str(error) or type(error).__name__)
            if not joined and "authorization" in str(error).lower():
                raise error  # ends the attempt: asking again with the same password is no use

        try:
            async with asyncio.timeout(2 * _REQUEST_SECONDS):
                await client.connect(
                    servers=[settings.url],
                    name=name,
                    user=settings.user or None,
                    password=settings.password.get_secret_value() or None,
                    error_cb=on_error,
                    connect_timeout=2,
                    reconnect_time_wait=1,
                    max_reconnect_attempts=-1,
                    ping_interval=10,
                    max_outstanding_pings=2,
                )
        except (OSError, nats.errors.Error, TimeoutError) as error:
            await client.close()
            why = str(problems[-1]) if problems else str(error)
            message = f"The messaging server at {settings.url} cannot be used: {why or 'no answer'}."
            remedy = "Check that it runs (`vedette status`) and the VEDETTE_NATS_* settings."
            raise VedetteError(Code.UNAVAILABLE, message, remedy, retryable=True) from error
        joined = True
        return cls(client, ack_wait_seconds)

    async def close(self) -> None:
        """Send what is buffered, if the server is there, and hang up."""
        with contextlib.suppress(nats.errors.Error, TimeoutError, OSError):
            if self._client.is_connected:
                await self._client.flush(timeout=2)
        await self._client.close()

    async def ready(self) -> bool:
        try:
            async with asyncio.timeout(1):
                return self._client.is_connected and await self._stream.account_info() is not None
        except (nats.errors.Error, TimeoutError, OSError):
            return False

    async def ensure_streams(self) -> None:
        """Create or update the streams and buckets of contracts/messages.py; idempotent, called by every process."""
        with translated("its streams"):
            await jetstream.ensure(self._stream)

    async def publish(self, subject: str, message: Contract, message_id: str) -> None:
        """Return once JetStream has stored it. The same `message_id` within two minutes is stored once.

        Raises VedetteError(LIMIT) when the message is too large, VedetteError(DISK, retryable) when the server's disk
        is full, and VedetteError(UNAVAILABLE, retryable) when it does not answer.
        """
        with translated(subject):
            await self._stream.publish(
                subject,
                message.model_dump_json().encode(),
                timeout=_REQUEST_SECONDS,
                headers={"Nats-Msg-Id": message_id},
            )

    async def work(self, stream: str, subject: str, durable: str, handler: Handler, concurrency: int) -> None:
        """Pull and handle messages until cancelled, `concurrency` at once, each in a task of its own.

        While a handler runs, `in_progress` is sent every third of the acknowledgement wait, so that long work is not
        redelivered; returning acknowledges; VedetteError that is retryable and any other exception negatively
        acknowledges with a back-off; VedetteError that is not retryable terminates the message (the handler has
        already reported it). Cancelling hands the message back at once, for another worker. A message is delivered
        again without end: a handler that sees `delivered` grow may report the work as failed and return.
        """
        queue = work_queue.WorkQueue(self._stream, stream, subject, durable, self._ack_wait)
        await queue.run(handler, concurrency)

    async def announce(self, worker: WorkerAnnouncement) -> None:
        """To be repeated every five seconds: an announcement is forgotten after fifteen."""
        with translated("the list of workers"):
            workers = await self._bucket(messages.WORKERS_BUCKET)
            await workers.put(str(worker.id), worker.model_dump_json().encode())

    async def workers(self) -> list[WorkerAnnouncement]:
        """Those who announced themselves within the last fifteen seconds."""
        found: list[WorkerAnnouncement] = []
        with translated("the list of workers"):
            workers = await self._bucket(messages.WORKERS_BUCKET)
            try:
                keys = await workers.keys()
            except js_errors.NoKeysError:
                return []
            for key in keys:
                with contextlib.suppress(js_errors.NotFoundError, ValidationError):  # gone meanwhile; a newer version
                    entry = await workers.get(key)
                    found.append(WorkerAnnouncement.model_validate_json(entry.value or b""))
        return found

    async def forget_worker(self, worker_id: UUID) -> None:
        with translated("the list of workers"):
            await (await self._bucket(messages.WORKERS_BUCKET)).purge(str(worker_id))

    async def cancel_run(self, run_id: RunId) -> None:
        with translated("the list of cancelled runs"):
            await (await self._bucket(messages.CANCELLED_BUCKET)).put(str(run_id), b"")

    async def forget_cancellation(self, run_id: RunId) -> None:
        with translated("the list of cancelled runs"):
            await (await self._bucket(messages.CANCELLED_BUCKET)).purge(str(run_id))

    async def is_cancelled(self, run_id: RunId) -> bool:
        with translated("the list of cancelled runs"):
            cancelled = await self._bucket(messages.CANCELLED_BUCKET)
            try:
                await cancelled.get(str(run_id))
            except js_errors.NotFoundError:
                return False
            return True

    async def cancellations(self) -> AsyncGenerator[RunId, None]:
        """Runs cancelled so far, then every further one as it happens."""
        subject = f"$KV.{messages.CANCELLED_BUCKET}.>"
        stream = jetstream.bucket_stream(messages.CANCELLED_BUCKET)
        async with contextlib.aclosing(follow.follow(self._stream, stream, subject, 0)) as entries:
            async for entry in entries:
                if not (entry.headers or {}).get("KV-Operation"):  # else it was forgotten
                    yield UUID(entry.subject.rpartition(".")[2])

    async def events(self, after_sequence: int | None) -> AsyncGenerator[Delivery, None]:
        """Events after that sequence (None: from now on), in order, gaps never; ends only when cancelled."""
        found = follow.follow(self._stream, messages.EVENTS_STREAM, messages.EVENTS_SUBJECTS, after_sequence)
        async with contextlib.aclosing(found) as entries:
            async for entry in entries:
                yield work_queue.delivery(entry)

    async def _bucket(self, name: str) -> KeyValue:
        return await self._stream.key_value(name)
