"""Each key by one at a time, none forgotten, failures ever later: in real time, with short ones."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable

from hypothesis import given
from hypothesis import strategies as st
from vedette_operator.work_queue import FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS, WorkQueue, pause

Handler = Callable[[str, float], Awaitable[float | None]]


@contextlib.asynccontextmanager
async def _running(queue: WorkQueue[str], handler: Handler, concurrency: int = 4) -> AsyncIterator[None]:
    task = asyncio.create_task(queue.run(handler, concurrency))
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - what is waited for is not ours to signal
            await asyncio.sleep(0.005)


async def test_a_key_that_is_added_often_is_looked_at_once() -> None:
    queue, seen = WorkQueue[str](), Counter[str]()

    async def handler(key: str, _: float) -> None:
        seen[key] += 1

    for _ in range(100):
        queue.add("a")
        queue.add("b")
    assert len(queue) == 2
    async with _running(queue, handler):
        await _until(lambda: len(queue) == 0 and len(seen) == 2)
        await asyncio.sleep(0.05)
    assert seen == {"a": 1, "b": 1}


async def test_a_key_is_never_looked_at_twice_at_once_and_what_happens_meanwhile_is_not_lost() -> None:
    queue, busy, most, seen = WorkQueue[str](), Counter[str](), Counter[str](), Counter[str]()

    async def handler(key: str, _: float) -> None:
        busy[key] += 1
        most[key] = max(most[key], busy[key])
        if seen[key] < 5:
            queue.add(key)  # it happens while it is looked at
        await asyncio.sleep(0.002)
        seen[key] += 1
        busy[key] -= 1

    async with _running(queue, handler):
        for key in "abcdefgh":
            queue.add(key)
        await _until(lambda: all(seen[key] == 6 for key in "abcdefgh"))
    assert set(most.values()) == {1}


async def test_no_more_than_so_many_at_once() -> None:
    queue, busy, most = WorkQueue[str](), 0, 0
    done = set[str]()

    async def handler(key: str, _: float) -> None:
        nonlocal busy, most
        busy += 1
        most = max(most, busy)
        await asyncio.sleep(0.005)
        busy -= 1
        done.add(key)

    async with _running(queue, handler, 3):
        for number in range(12):
            queue.add(str(number))
        await _until(lambda: len(done) == 12)
    assert most == 3


async def test_a_moment_that_was_asked_for_comes_and_an_earlier_one_wins() -> None:
    queue, at = WorkQueue[str](), list[float]()
    clock = asyncio.get_running_loop().time

    async def handler(_: str, __: float) -> float | None:
        at.append(clock())
        return 0.1 if len(at) == 1 else None

    began = clock()
    async with _running(queue, handler):
        queue.add("a", 30)
        queue.add("a", 0.05)
        queue.add("a", 20)
        await _until(lambda: len(at) == 2)
        await asyncio.sleep(0.1)
    assert len(at) == 2
    assert 0.05 <= at[0] - began < 1
    assert 0.1 <= at[1] - at[0] < 1


async def test_what_fails_is_tried_again_and_others_do_not_wait_for_it() -> None:
    queue, tries, others = WorkQueue[str](), list[float](), Counter[str]()
    clock = asyncio.get_running_loop().time

    async def handler(key: str, _: float) -> None:
        if key != "bad":
            others[key] += 1
            return
        tries.append(clock())
        if len(tries) < 3:
            raise RuntimeError("not yet")

    async with _running(queue, handler, 1):
        queue.add("bad")
        queue.add("good")
        await _until(lambda: others["good"] == 1)
        assert len(tries) == 1
        await _until(lambda: len(tries) == 3)
    assert tries[1] - tries[0] >= FIRST_PAUSE_SECONDS
    assert tries[2] - tries[1] >= 2 * FIRST_PAUSE_SECONDS


async def test_it_tells_how_long_a_key_waited_since_something_happened() -> None:
    queue, waited = WorkQueue[str](), list[float]()

    async def handler(_: str, seconds: float) -> float | None:
        waited.append(seconds)
        return 0.01 if len(waited) == 1 else None

    queue.add("a")
    await asyncio.sleep(0.05)
    async with _running(queue, handler):
        await _until(lambda: len(waited) == 2)
    assert 0.05 <= waited[0] < 1
    assert waited[1] == 0.0


@given(st.integers(min_value=1, max_value=10_000))
def test_pauses_grow_to_their_bound_and_never_shrink(failures: int) -> None:
    assert FIRST_PAUSE_SECONDS <= pause(failures) <= pause(failures + 1) <= LONGEST_PAUSE_SECONDS


async def test_how_many_wait_is_told_to_the_thread_that_serves_metrics() -> None:
    queue = WorkQueue[str]()
    queue.add("now")
    queue.add("later", 60)
    assert await asyncio.to_thread(len, queue) == 1
