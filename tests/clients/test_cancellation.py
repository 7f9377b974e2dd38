"""A cancellation that Python 3.11's wait_for swallows is heeded all the same."""

from __future__ import annotations

import asyncio
import contextlib

from appliance.clients import cancellation


async def _loop(heed: bool, rounds: list[asyncio.Future[None]]) -> None:
    while True:
        if heed:
            cancellation.heed()
        answer = asyncio.get_running_loop().create_future()
        rounds.append(answer)
        await asyncio.wait_for(answer, 60)


async def _cancelled_as_the_answer_comes(heed: bool) -> bool:
    """Whether the task ended."""
    rounds: list[asyncio.Future[None]] = []
    task = asyncio.create_task(_loop(heed, rounds))
    while not rounds:  # noqa: ASYNC110 - one turn of the loop, no more
        await asyncio.sleep(0)
    rounds[0].set_result(None)
    task.cancel()
    await asyncio.wait([task], timeout=0.2)
    ended = task.done()
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    return ended


async def test_a_loop_that_heeds_ends_although_its_answer_came_at_that_moment() -> None:
    assert await _cancelled_as_the_answer_comes(heed=True)


async def test_a_task_that_nobody_cancelled_goes_on() -> None:
    cancellation.heed()
