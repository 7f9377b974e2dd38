"""Deliveries of a message that are not held against it. Used by work_queue.py.

JetStream counts every delivery, also those that a worker which was told to stop handed back, or that met a store which
was away. Only failures count towards giving up, so the others are counted here, by stream and sequence. What cannot be
read or written counts as a failure: too few tries in a bad hour, never too many.
"""

from __future__ import annotations

from dataclasses import dataclass

import nats.errors
from nats.aio.msg import Msg
from nats.js import JetStreamContext

from appliance.contracts.messages import EXCUSED_BUCKET

_PROBLEMS = (nats.errors.Error, OSError, TimeoutError)
_AT_MOST = 100
"""With a back-off of a minute: what no worker could do for an hour and a half is given up like any other failure."""


@dataclass(frozen=True)
class Excused:
    """Of one message, which one worker holds at a time."""

    context: JetStreamContext
    stream: str
    message: Msg

    async def count(self) -> int:
        """Nothing is asked for a message that is delivered for the first time."""
        if self.message.metadata.num_delivered == 1:
            return 0
        try:
            bucket = await self.context.key_value(EXCUSED_BUCKET)
            return min(int((await bucket.get(self._key)).value or b"0"), _AT_MOST)
        except (*_PROBLEMS, ValueError):
            return 0

    async def one_more(self) -> None:
        """Raises what the client raises when the server cannot be told."""
        excused = await self.count() + 1
        bucket = await self.context.key_value(EXCUSED_BUCKET)
        await bucket.put(self._key, str(excused).encode())

    @property
    def _key(self) -> str:
        return f"{self.stream}.{self.message.metadata.sequence.stream}"
