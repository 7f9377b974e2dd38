"""Make sure that a cancelled task ends. Used by every loop that awaits the messaging client."""

from __future__ import annotations

import asyncio


def heed() -> None:
    """Raise CancelledError if this task was asked to end, and the asking got lost.

    `asyncio.wait_for` of Python 3.11, on which the NATS client waits for every answer, swallows a cancellation that comes
    in the moment the answer does (python/cpython#86296, mended in 3.12). The task still counts it.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
