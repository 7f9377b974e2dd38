"""Publish what waits in the outbox, in its order. Run by background/tasks.py.

A message that was published but not yet removed when the process died is published again, with the same message id.
"""

from __future__ import annotations

from uuid import UUID

from opentelemetry.trace import SpanKind
from pydantic import ValidationError

from appliance.api.storage import outbox
from appliance.api.storage.database import Database
from appliance.api.storage.outbox import Waiting
from appliance.clients import cancellation, logging, spans, tracing
from appliance.clients.messaging import Messaging
from appliance.contracts.base import Contract
from appliance.contracts.errors import VedetteError
from appliance.contracts.events import Event
from appliance.contracts.messages import MEDIA_SUBJECT, DetectScene, NormaliseScene

_AT_ONCE = 200
_IDLE_SECONDS = 1.0


class Publisher:
    def __init__(self, database: Database, messaging: Messaging) -> None:
        self._database, self._messaging = database, messaging

    async def forever(self) -> None:
        while True:
            cancellation.heed()
            work = self._database.work_to_come()
            if not await self.once():
                await self._database.wait_for(work, _IDLE_SECONDS)

    async def once(self) -> int:
        """Publish a batch; how many went out. What was published stays so, also when a later one fails."""
        done: list[int] = []
        failure: VedetteError | None = None
        async with self._database.begin() as connection:
            for waiting in await outbox.take(connection, _AT_ONCE):
                try:
                    with tracing.bound(waiting.trace_id), spans.span(_named(waiting), SpanKind.PRODUCER):
                        await self._publish(waiting)
                except VedetteError as error:
                    if error.reason.retryable:
                        failure = error
                        break
                    # Nothing will ever make this message go out; the reconciler sees to the work it told of.
                    _log_dropped(waiting, str(error))
                except ValidationError as error:
                    # Left by a process of another version: what it asked for is in the database, and is placed from there.
                    _log_dropped(waiting, f"{error.error_count()} fields are not understood")
                done.append(waiting.id)
            if done:
                await outbox.remove(connection, done)
        if failure is not None:
            raise failure
        return len(done)

    async def _publish(self, waiting: Waiting) -> None:
        if waiting.subject == outbox.CANCEL_RUN:
            await self._messaging.cancel_run(UUID(waiting.message_id), waiting.body.get("attempt"))
        elif waiting.subject == outbox.FORGET_CANCELLATION:
            await self._messaging.forget_cancellation(UUID(waiting.message_id))
        else:
            subject, message = _addressed(waiting)
            await self._messaging.publish(subject, message, waiting.message_id)


def _named(waiting: Waiting) -> str:
    return "publish " + ".".join(waiting.subject.split(".")[:2])


def _log_dropped(waiting: Waiting, why: str) -> None:
    logging.get().error("message dropped", trace_id=waiting.trace_id, subject=waiting.subject, why=why)


def _addressed(waiting: Waiting) -> tuple[str, Contract]:
    """The message, and its subject: work names what it is about there (contracts/messages.py)."""
    if waiting.subject.startswith("events."):
        return waiting.subject, Event.model_validate(waiting.body)
    kind = NormaliseScene if waiting.subject == MEDIA_SUBJECT else DetectScene
    work = kind.model_validate(waiting.body)
    return work.subject, work
