"""Take work from a JetStream work queue: pull, keep alive, acknowledge. Used by messaging.py; knows no message."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

import nats.errors
from nats.aio.msg import Msg
from nats.js import JetStreamContext, api
from opentelemetry.trace import Span, SpanKind

from appliance.clients import cancellation, jetstream, logging, spans, tracing
from appliance.clients.excused import Excused
from appliance.contracts.errors import Code, VedetteError
from appliance.contracts.messages import LANES_STREAM

_PULL_SECONDS = 5.0
_ACKNOWLEDGE_SECONDS = 5.0
_LONGEST_BACK_OFF_SECONDS = 60.0
_FULL_DISK_SECONDS = 15.0
_PROBLEMS = (nats.errors.Error, OSError, TimeoutError)


@dataclass(frozen=True)
class Delivery:
    """One message as it was delivered: `delivered` counts its deliveries from 1, without those that were handed back."""

    subject: str
    data: bytes
    sequence: int
    delivered: int


class HandBack(Exception):  # noqa: N818
    """Raised by a handler whose surroundings are away: the work is delivered again, and this delivery does not count."""


Handler = Callable[[Delivery], Awaitable[None]]


def delivery(message: Msg, excused: int = 0) -> Delivery:
    about = message.metadata
    return Delivery(message.subject, message.data, about.sequence.stream, max(1, about.num_delivered - excused))


def back_off_seconds(delivered: int) -> float:
    """How long a message that failed for the `delivered`th time rests: 1, 2, 4 ... 60 seconds."""
    return min(2.0 ** min(delivered - 1, 16), _LONGEST_BACK_OFF_SECONDS)


def _pause_seconds(error: VedetteError, work: Delivery) -> float:
    """A full disk is not emptied within seconds."""
    least = _FULL_DISK_SECONDS if error.reason.code is Code.DISK else 0.0
    return max(least, back_off_seconds(work.delivered))


@dataclass(frozen=True)
class WorkQueue:
    """One durable consumer of one stream, shared by all who name it alike."""

    current: Callable[[], JetStreamContext]
    """Asked anew after every problem: the connection may have been replaced."""
    stream: str
    subject: str
    durable: str
    ack_wait_seconds: float
    forgotten_after_seconds: float | None = None
    """After so long without a sign of whoever consumes, the server forgets the consumer; never, when None."""

    @property
    def context(self) -> JetStreamContext:
        return self.current()

    async def run(self, handler: Handler, concurrency: int) -> None:
        """Until cancelled. Each of `concurrency` tasks holds one message at a time: none waits in a buffer of ours."""
        async with asyncio.TaskGroup() as group:
            for _ in range(concurrency):
                group.create_task(self._one_at_a_time(handler))

    async def _one_at_a_time(self, handler: Handler) -> None:
        """Comes back from everything: a lost connection, a restarted server, even one that lost its data."""
        while True:
            try:
                await self._ensure_consumer()
                subscription = await self.context.pull_subscribe_bind(self.durable, self.stream)
                try:
                    await self._pull(subscription, handler)
                finally:
                    with contextlib.suppress(*_PROBLEMS):
                        await subscription.unsubscribe()
            except _PROBLEMS as error:
                logging.get().warning("work queue", stream=self.stream, problem=str(error) or type(error).__name__)
                await asyncio.sleep(1)

    async def _ensure_consumer(self) -> None:
        config = api.ConsumerConfig(
            durable_name=self.durable,
            filter_subject=self.subject,
            ack_policy=api.AckPolicy.EXPLICIT,
            ack_wait=self.ack_wait_seconds,
            max_deliver=-1,
            inactive_threshold=self.forgotten_after_seconds,
        )
        try:
            await self.context.add_consumer(self.stream, config)
        except nats.js.errors.NotFoundError:
            await jetstream.ensure(self.context)
            await self.context.add_consumer(self.stream, config)

    async def _pull(self, subscription: JetStreamContext.PullSubscription, handler: Handler) -> None:
        while True:
            cancellation.heed()
            try:
                [message] = await subscription.fetch(1, timeout=_PULL_SECONDS)
            except TimeoutError:  # nothing to do
                continue
            with tracing.bound(tracing.received(message.headers)), self._span(message):
                await self._handle(message, handler)

    def _span(self, message: Msg) -> AbstractContextManager[Span]:
        """Named as OpenTelemetry names messaging spans, without what the subject says of the single message."""
        queue = "lanes" if self.stream == LANES_STREAM else ".".join(message.subject.split(".")[:2])
        about = {"messaging.system": "nats", "messaging.destination.name": queue, "messaging.operation.type": "process"}
        return spans.span(f"process {queue}", SpanKind.CONSUMER, about, message.headers)

    async def _handle(self, message: Msg, handler: Handler) -> None:
        excused = Excused(self.context, self.stream, message)
        work = delivery(message, await excused.count())
        heartbeat = asyncio.create_task(self._keep_alive(message))
        try:
            cancellation.heed()
            await handler(work)
        except asyncio.CancelledError:
            await _settle(excused.one_more())
            await _settle(message.nak())
            raise
        except HandBack as away:
            logging.get().warning("work handed back", subject=work.subject, reason=str(away))
            await _settle(excused.one_more())
            await _settle(message.nak(delay=back_off_seconds(message.metadata.num_delivered)))
        except VedetteError as error:
            logging.get().warning("work failed", subject=work.subject, reason=str(error.reason))
            again = error.reason.retryable
            await _settle(message.nak(delay=_pause_seconds(error, work)) if again else message.term())
        except Exception:
            logging.get().exception("work failed", subject=work.subject, delivered=work.delivered)
            await _settle(message.nak(delay=back_off_seconds(work.delivered)))
        else:
            await _settle(message.ack_sync(timeout=_ACKNOWLEDGE_SECONDS))
        finally:
            heartbeat.cancel()

    async def _keep_alive(self, message: Msg) -> None:
        while True:
            cancellation.heed()
            await asyncio.sleep(self.ack_wait_seconds / 3)
            await _settle(message.in_progress())


async def _settle(answer: Awaitable[object]) -> None:
    """Tell the server. When it cannot be told, the message comes again, and doing it twice changes nothing."""
    try:
        await answer
    except _PROBLEMS as error:
        logging.get().warning("could not acknowledge", problem=str(error) or type(error).__name__)
