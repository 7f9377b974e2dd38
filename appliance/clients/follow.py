"""Read a stream in order from a sequence on, for ever, without a gap. Used by messaging.py for events and cancellations.

A consumer without acknowledgements may lose what was on its way when the connection broke; its own numbering shows that,
and a new consumer then begins after the last message that was seen.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable
from uuid import uuid4

import nats.errors
from nats.aio.msg import Msg
from nats.js import JetStreamContext, api

from appliance.clients import cancellation, jetstream, logging

_PULL_SECONDS = 5.0
_BATCH = 200
_FORGOTTEN_AFTER_SECONDS = 60.0
_PROBLEMS = (nats.errors.Error, OSError, TimeoutError)


async def follow(
    current: Callable[[], JetStreamContext], stream: str, subject: str, after_sequence: int | None
) -> AsyncGenerator[Msg, None]:
    """Messages after that sequence of the stream, None: from now on. Waits while the server is away.

    `current` is asked anew after every problem: the connection may have been replaced.
    """
    last = after_sequence
    while True:
        cancellation.heed()
        context = current()
        try:
            newest = (await context.stream_info(stream)).state.last_seq
            # A sequence the stream has not reached is one of an older life of it, lost with the server's data.
            last = newest if last is None else (0 if last > newest else last)
            async with contextlib.aclosing(_one_consumer(context, stream, subject, last)) as found:
                async for message in found:
                    last = message.metadata.sequence.stream
                    yield message
        except nats.js.errors.NotFoundError:
            with contextlib.suppress(*_PROBLEMS):
                await jetstream.ensure(context)
        except _PROBLEMS as error:
            logging.get().warning("following", stream=stream, problem=str(error) or type(error).__name__)
            await asyncio.sleep(1)


async def _one_consumer(context: JetStreamContext, stream: str, subject: str, last: int) -> AsyncGenerator[Msg, None]:
    """Ends when a message was lost; raises when the consumer is."""
    name = f"follow-{uuid4().hex}"
    config = api.ConsumerConfig(
        name=name,
        filter_subject=subject,
        deliver_policy=api.DeliverPolicy.BY_START_SEQUENCE,
        opt_start_seq=last + 1,
        ack_policy=api.AckPolicy.NONE,
        inactive_threshold=_FORGOTTEN_AFTER_SECONDS,
        mem_storage=True,
    )
    await context.add_consumer(stream, config)
    subscription = await context.pull_subscribe_bind(name, stream)
    try:
        expected, waiting = 1, 1
        while True:
            cancellation.heed()
            try:
                # One when none waits: a larger batch would be held back until it is full.
                messages = await subscription.fetch(max(1, min(waiting, _BATCH)), timeout=_PULL_SECONDS)
            except TimeoutError:
                continue
            for message in messages:
                about = message.metadata
                if about.sequence.consumer != expected:
                    return
                expected, waiting = expected + 1, about.num_pending
                yield message
    finally:
        with contextlib.suppress(*_PROBLEMS):
            await subscription.unsubscribe()
            await context.delete_consumer(stream, name)
