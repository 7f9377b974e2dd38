"""A worker that does nothing but say that a job began: as the detector worker takes work, or as a bare pull consumer.

Started by sides/dispatch.py; reads VEDETTE_NATS_*.
"""

from __future__ import annotations

import argparse
import asyncio
import json

import nats
from nats.js import api

from appliance.clients.messaging import Delivery, Messaging
from appliance.clients.settings import MessagingSettings
from appliance.contracts.messages import LANES_STREAM, LANES_SUBJECTS
from benchmarks import marks

_ACK_WAIT_SECONDS = 30


async def framed(path: str) -> None:
    """Through appliance.clients, for ever."""
    messaging = await Messaging.connect(MessagingSettings(), "bench-worker")

    async def handle(delivery: Delivery) -> None:
        marks.started(path, json.loads(delivery.data)["sent_ns"])

    await messaging.work(LANES_STREAM, LANES_SUBJECTS, "bench", handle, 1)


async def bare(path: str) -> None:
    """nats-py alone: fetch one, do it, acknowledge and wait until the server has it, as durable as ours."""
    settings = MessagingSettings()
    client = await nats.connect(settings.url, user=settings.user, password=settings.password.get_secret_value())
    context = client.jetstream()
    config = api.ConsumerConfig(durable_name="bench", filter_subject=LANES_SUBJECTS, ack_wait=_ACK_WAIT_SECONDS)
    await context.add_consumer(LANES_STREAM, config)
    subscription = await context.pull_subscribe_bind("bench", LANES_STREAM)
    while True:
        try:
            [message] = await subscription.fetch(1, timeout=5)
        except TimeoutError:
            continue
        marks.started(path, json.loads(message.data)["sent_ns"])
        await message.ack_sync()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--frame", choices=("ours", "bare"), required=True)
    parser.add_argument("--marks", required=True)
    given = parser.parse_args()
    asyncio.run(framed(given.marks) if given.frame == "ours" else bare(given.marks))


if __name__ == "__main__":
    main()
