"""Tell a fault of the work from servers that are away. Used by both worker kinds when their work has failed."""

from __future__ import annotations

import asyncio

from appliance.clients.objectstore import ObjectStore
from appliance.contracts.errors import Code, Reason, VedetteError

_PROBE = "readiness/no-such-object"


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
