"""How much waits in each work queue, and since when. Used by messaging.py.

Asks JetStream's API itself: the client's own answer leaves out when the oldest message was stored.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from nats.aio.client import Client

from appliance.contracts import messages

_STREAMS = (messages.MEDIA_STREAM, messages.LANES_STREAM, messages.REPORTS_STREAM)
_SECONDS = 1.0


@dataclass(frozen=True)
class QueueDepth:
    """`messages` are not yet done: waiting, or `in_work` of some worker. `oldest_seconds` is None for an empty queue."""

    stream: str
    messages: int
    in_work: int
    oldest_seconds: float | None


async def of_all(client: Client) -> list[QueueDepth]:
    """Raises what the client raises when the server does not answer."""
    return [await _of(client, stream) for stream in _STREAMS]


async def _of(client: Client, stream: str) -> QueueDepth:
    told = await _ask(client, f"STREAM.INFO.{stream}")
    consumers = await _ask(client, f"CONSUMER.LIST.{stream}")
    state = told.get("state", {})
    waiting = int(state.get("messages", 0))
    in_work = sum(int(one.get("num_ack_pending", 0)) for one in consumers.get("consumers") or [])
    oldest = _age(told["ts"], state["first_ts"]) if waiting and "ts" in told else None
    return QueueDepth(stream, waiting, in_work, oldest)


def _age(at: str, first: str) -> float:
    """Seconds between two moments of the server's own clock."""
    return max(0.0, (datetime.fromisoformat(at) - datetime.fromisoformat(first)).total_seconds())


async def _ask(client: Client, what: str) -> dict[str, Any]:
    answer = await client.request(f"$JS.API.{what}", b"", timeout=_SECONDS)
    found: dict[str, Any] = json.loads(answer.data)
    return found
