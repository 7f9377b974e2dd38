"""Tell a fault of the work from servers that are away. Used by both worker kinds when their work has failed."""

from __future__ import annotations

import asyncio
import time

from appliance.clients import logging
from appliance.clients.objectstore import ObjectStore
from appliance.contracts.errors import Code, Reason, VedetteError

_PROBE = "readiness/no-such-object"
_WAIT_SECONDS = 10.0
_PAUSE_SECONDS = 0.5


async def is_outage(reason: Reason, store: ObjectStore) -> bool:
    """Whether the work failed because the queue or the store does not answer: not to be held against it.

    A store that answers now is a reason to count the failure: what failed there may fail for ever.
    """
    if not reason.retryable:
        return False
    if reason.code is Code.UNAVAILABLE:
        return True
    return reason.code is Code.STORE and not await _answers(store)


async def _answers(store: ObjectStore) -> bool:
    try:
        await asyncio.to_thread(store.stat, _PROBE)
    except VedetteError as error:
        return error.reason.code is not Code.STORE
    return True


async def store_answers(store: ObjectStore, wait_seconds: float = _WAIT_SECONDS) -> None:
    """Return once it does. Raises VedetteError(STORE, retryable) where it has not when the time is over."""
    deadline, told = time.monotonic() + wait_seconds, False
    while True:
        try:
            async with asyncio.timeout(max(_PAUSE_SECONDS, deadline - time.monotonic())):
                await asyncio.to_thread(store.stat, _PROBE)
        except (VedetteError, TimeoutError) as error:
            if time.monotonic() >= deadline:
                message = f"The object store does not answer within {wait_seconds:g} seconds: {error or 'silence'}"
                raise VedetteError(Code.STORE, message, "Check VEDETTE_STORE_*.", retryable=True) from error
            if not told:
                logging.get().warning("waiting for the object store", reason=str(error) or "silence")
                told = True
            await asyncio.sleep(_PAUSE_SECONDS)
        else:
            return
