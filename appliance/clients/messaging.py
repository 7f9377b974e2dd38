"""NATS JetStream for asyncio: durable publishing, pull consumers with a heartbeat, and two key-value buckets."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from uuid import UUID

import nats.errors
from nats.js import JetStreamContext
from nats.js import errors as js_errors
from nats.js.kv import KeyValue
from pydantic import ValidationError

from appliance.clients import follow, jetstream, queue_depths, tracing, work_queue
from appliance.clients.board import Board
from appliance.clients.connection import REQUEST_SECONDS, Connection
from appliance.clients.jetstream import translated
from appliance.clients.settings import MessagingSettings
from appliance.clients.work_queue import Delivery, HandBack, Handler
from appliance.contracts import messages
from appliance.contracts.base import Contract, RunId
from appliance.contracts.errors import VedetteError
from appliance.contracts.messages import DetectorQueue
from appliance.contracts.resources.training_status import TrainerStatus
from appliance.contracts.worker import WorkerAnnouncement

__all__ = ["Cancellation", "Delivery", "HandBack", "Handler", "Messaging"]


_DAY_SECONDS = 86_400.0  # a worker that was killed with nothing to do leaves its lane behind


@dataclass(frozen=True)
class Cancellation:
    """Attempts of the run up to `attempt` are to stop; later ones go on. None: whatever attempt."""

    run_id: RunId
    attempt: int | None

    def concerns(self, attempt: int) -> bool:
        return self.attempt is None or attempt <= self.attempt


class Messaging:
    """One connection. Reconnects by itself for ever; every method that talks to the server raises
    VedetteError(UNAVAILABLE, retryable) meanwhile. `work`, `cancellations` and `events` go on by themselves."""

    def __init__(self, connection: Connection, ack_wait_seconds: float) -> None:
        self._connection = connection
        self._ack_wait = ack_wait_seconds

    @classmethod
    async def connect(cls, settings: MessagingSettings, name: str, ack_wait_seconds: float = 30.0) -> Messaging:
        """Raises VedetteError(UNAVAILABLE, retryable) when no server answers within ten seconds or ours is refused."""
        connection = Connection(settings, name)
        await connection.open()
        return cls(connection, ack_wait_seconds)

    @property
    def _stream(self) -> JetStreamContext:
        return self._connection.context

    async def close(self) -> None:
        """Send what is buffered, if the server is there, and hang up."""
        await self._connection.close()

    async def check(self) -> None:
        """Raises VedetteError(UNAVAILABLE, retryable) when the server does not answer within a second."""
        with translated("its account"):
            if not self._connection.client.is_connected:
                raise nats.errors.ConnectionClosedError
            async with asyncio.timeout(1):
                await self._stream.account_info()

    async def ready(self) -> bool:
        try:
            await self.check()
        except VedetteError:
            return False
        return True

    async def ensure_streams(self) -> None:
        """Create or update the streams and buckets of contracts/messages.py; idempotent, called by every process."""
        with translated("its streams"):
            await jetstream.ensure(self._stream)

    async def publish(self, subject: str, message: Contract, message_id: str) -> None:
        """Return once JetStream has stored it. The same `message_id` within two minutes is stored once.

        Raises VedetteError(LIMIT) when the message is too large, VedetteError(DISK, retryable) when the server's disk
        is full, and VedetteError(UNAVAILABLE, retryable) when it does not answer. The message carries the trace that is
        bound (tracing.py), and `work` binds it where the message is handled.
        """
        with translated(subject):
            await self._stream.publish(
                subject,
                message.model_dump_json().encode(),
                timeout=REQUEST_SECONDS,
                headers={"Nats-Msg-Id": message_id, **tracing.headers()},
            )

    async def work(self, stream: str, subject: str, durable: str, handler: Handler, concurrency: int) -> None:
        """Pull and handle messages until cancelled, `concurrency` at once, each in a task of its own.

        While a handler runs, `in_progress` is sent every third of the acknowledgement wait, so that long work is not
        redelivered; returning acknowledges; VedetteError that is retryable and any other exception negatively
        acknowledges with a back-off; VedetteError that is not retryable terminates the message (the handler has
        already reported it). Cancelling, or HandBack, hands the message back for another worker without counting the delivery.
        A message is delivered again without end: a handler that sees `delivered` grow may report the work as failed
        and return.
        """
        queue = work_queue.WorkQueue(lambda: self._stream, stream, subject, durable, self._ack_wait)
        await queue.run(handler, concurrency)

    async def work_lane(self, worker_id: UUID, handler: Handler, concurrency: int) -> None:
        """As `work`, for what is placed on this worker alone."""
        queue = work_queue.WorkQueue(
            lambda: self._stream,
            messages.LANES_STREAM,
            messages.lane_subject(worker_id),
            _lane_consumer(worker_id),
            self._ack_wait,
            forgotten_after_seconds=_DAY_SECONDS,
        )
        await queue.run(handler, concurrency)

    async def close_lane(self, worker_id: UUID) -> None:
        """Take away all that was placed on a worker which is gone, and what it took it with. Closing twice is closing
        once; a worker that comes back after all makes its lane anew."""
        with translated("the lane of a worker"):
            with contextlib.suppress(js_errors.NotFoundError):
                await self._stream.delete_consumer(messages.LANES_STREAM, _lane_consumer(worker_id))
            await self._stream.purge_stream(messages.LANES_STREAM, subject=messages.lane_subject(worker_id))

    async def queues(self) -> list[queue_depths.QueueDepth]:
        """How much waits in each work queue, and for how long."""
        with translated("its queues"):
            return await queue_depths.of_all(self._connection.client)

    @property
    def detector_queues(self) -> Board[DetectorQueue]:
        """By the detector's name: from the API to the operator."""
        return Board(lambda: self._stream, messages.QUEUES_BUCKET, DetectorQueue)

    @property
    def trainers(self) -> Board[TrainerStatus]:
        """By the uid of a TrainingJob: from its trainer to the operator."""
        return Board(lambda: self._stream, messages.TRAINING_BUCKET, TrainerStatus)

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
            # The bucket's own list of keys would leave a consumer behind for minutes, each time somebody asks.
            stream = jetstream.bucket_stream(messages.WORKERS_BUCKET)
            subjects = jetstream.bucket_subjects(messages.WORKERS_BUCKET)
            info = await self._stream.stream_info(stream, subjects_filter=subjects)
            for subject in info.state.subjects or {}:
                key = subject.rpartition(".")[2]
                with contextlib.suppress(js_errors.NotFoundError, ValidationError):  # gone meanwhile; a newer version
                    entry = await workers.get(key)
                    found.append(WorkerAnnouncement.model_validate_json(entry.value or b""))
        return found

    async def announcements(self) -> AsyncGenerator[tuple[UUID, WorkerAnnouncement | None], None]:
        """Who is there, then every further announcement; None for a worker that left in order."""
        subject = jetstream.bucket_subjects(messages.WORKERS_BUCKET)
        stream = jetstream.bucket_stream(messages.WORKERS_BUCKET)
        async with contextlib.aclosing(follow.follow(lambda: self._stream, stream, subject, 0)) as entries:
            async for entry in entries:
                worker_id = UUID(entry.subject.rpartition(".")[2])
                if (entry.headers or {}).get("KV-Operation"):
                    yield worker_id, None
                else:
                    with contextlib.suppress(ValidationError):  # of a newer version
                        yield worker_id, WorkerAnnouncement.model_validate_json(entry.data)

    async def forget_worker(self, worker_id: UUID) -> None:
        with translated("the list of workers"):
            await (await self._bucket(messages.WORKERS_BUCKET)).purge(str(worker_id))

    async def holds(self, stream: str, subject: str) -> bool:
        """Whether a work queue holds a message of this subject, waiting or in work."""
        with translated(stream):
            try:
                await self._stream.get_last_msg(stream, subject)
            except js_errors.NotFoundError:
                return False
            return True

    async def cancel_run(self, run_id: RunId, attempt: int | None = None) -> None:
        """Attempts up to this one; without, every attempt until `forget_cancellation`."""
        with translated("the list of cancelled runs"):
            cancelled = await self._bucket(messages.CANCELLED_BUCKET)
            await cancelled.put(str(run_id), b"" if attempt is None else str(attempt).encode())

    async def forget_cancellation(self, run_id: RunId) -> None:
        with translated("the list of cancelled runs"):
            await (await self._bucket(messages.CANCELLED_BUCKET)).purge(str(run_id))

    async def is_cancelled(self, run_id: RunId, attempt: int = 1) -> bool:
        with translated("the list of cancelled runs"):
            cancelled = await self._bucket(messages.CANCELLED_BUCKET)
            try:
                entry = await cancelled.get(str(run_id))
            except js_errors.NotFoundError:
                return False
            return _cancellation(str(run_id), entry.value).concerns(attempt)

    async def cancellations(self) -> AsyncGenerator[Cancellation, None]:
        """Runs cancelled so far, then every further one as it happens."""
        subject = jetstream.bucket_subjects(messages.CANCELLED_BUCKET)
        stream = jetstream.bucket_stream(messages.CANCELLED_BUCKET)
        async with contextlib.aclosing(follow.follow(lambda: self._stream, stream, subject, 0)) as entries:
            async for entry in entries:
                if not (entry.headers or {}).get("KV-Operation"):  # else it was forgotten
                    yield _cancellation(entry.subject.rpartition(".")[2], entry.data)

    async def events(self, after_sequence: int | None) -> AsyncGenerator[Delivery, None]:
        """Events after that sequence (None: from now on), in order, gaps never; ends only when cancelled."""
        found = follow.follow(lambda: self._stream, messages.EVENTS_STREAM, messages.EVENTS_SUBJECTS, after_sequence)
        async with contextlib.aclosing(found) as entries:
            async for entry in entries:
                yield work_queue.delivery(entry)

    async def _bucket(self, name: str) -> KeyValue:
        return await self._stream.key_value(name)


def _lane_consumer(worker_id: UUID) -> str:
    return f"worker-{worker_id}"


def _cancellation(key: str, value: bytes | None) -> Cancellation:
    return Cancellation(UUID(key), int(value) if value else None)
