"""Messaging against a real nats-server, which is killed and started again where that is the point."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from uuid import UUID, uuid4

import pytest
from nats.js import api
from nats.js import errors as js_errors
from pydantic import SecretStr

from appliance.clients.messaging import Delivery, HandBack, Messaging
from appliance.clients.work_queue import back_off_seconds
from appliance.contracts import messages
from appliance.contracts.base import now
from appliance.contracts.errors import Code, VedetteError
from appliance.contracts.events import Event, EventKind
from appliance.contracts.worker import WorkerAnnouncement, WorkerKind
from tests.conftest import MessagingServer

ACK_WAIT = 1.5


@pytest.fixture
async def messaging(nats_server: MessagingServer) -> AsyncIterator[Messaging]:
    connection = await Messaging.connect(nats_server.settings, "test", ack_wait_seconds=ACK_WAIT)
    await connection.ensure_streams()
    yield connection
    await connection.close()


@pytest.fixture
def subject() -> str:
    return f"lanes.{uuid4().hex}"


def _event(state: str = "") -> Event:
    return Event(kind=EventKind.ITEM_CHANGED, state=state, at=now())


class Worker:
    """`work` in a task; collects what it was given, and answers by `answer`."""

    def __init__(
        self, messaging: Messaging, subject: str, answer: Callable[[Delivery], Awaitable[None]], concurrency: int = 1
    ) -> None:
        self.seen: list[Delivery] = []
        self._answer = answer
        work = messaging.work("LANES", subject, subject.replace(".", "-"), self._take, concurrency)
        self._task = asyncio.create_task(work)

    async def _take(self, delivery: Delivery) -> None:
        self.seen.append(delivery)
        await self._answer(delivery)

    async def stop(self) -> None:
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task


async def _at_once(_: Delivery) -> None:
    return None


async def _until(condition: Callable[[], bool], seconds: float = 20) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - of another task's doing
            await asyncio.sleep(0.02)


async def _collect(events: AsyncIterator[Delivery], count: int, seconds: float = 20) -> list[Delivery]:
    found: list[Delivery] = []
    async with asyncio.timeout(seconds):
        async for event in events:
            found.append(event)
            if len(found) == count:
                break
    return found


async def test_streams_are_ensured_any_number_of_times(messaging: Messaging) -> None:
    await messaging.ensure_streams()
    await asyncio.gather(*(messaging.ensure_streams() for _ in range(4)))
    assert await messaging.ready()


async def test_the_same_message_id_is_stored_once(messaging: Messaging, subject: str) -> None:
    for state in ("first", "again"):
        await messaging.publish(subject, _event(state), f"{subject}-1")
    await messaging.publish(subject, _event("second"), f"{subject}-2")
    worker = Worker(messaging, subject, _at_once)
    await _until(lambda: len(worker.seen) == 2)
    await asyncio.sleep(0.3)
    await worker.stop()
    assert [Event.model_validate_json(d.data).state for d in worker.seen] == ["first", "second"]
    assert all(d.delivered == 1 and d.subject == subject for d in worker.seen)


async def test_work_of_a_crashed_worker_is_delivered_again(
    nats_server: MessagingServer, messaging: Messaging, subject: str
) -> None:
    """The connection is gone without an answer, as after kill -9: the message comes again after the wait."""
    crashing = await Messaging.connect(nats_server.settings, "crashing", ack_wait_seconds=ACK_WAIT)
    started = asyncio.Event()

    async def crash(_: Delivery) -> None:
        started.set()
        await crashing._connection.client._close(0, False)  # no flush, nothing is told
        await asyncio.Event().wait()

    first = Worker(crashing, subject, crash)
    await messaging.publish(subject, _event(), subject)
    await asyncio.wait_for(started.wait(), 10)
    second = Worker(messaging, subject, _at_once)
    await _until(lambda: bool(second.seen))
    assert [d.delivered for d in second.seen] == [2]
    await asyncio.sleep(2 * ACK_WAIT)
    assert len(second.seen) == 1  # acknowledged: never again
    await first.stop()
    await second.stop()


async def test_long_work_is_kept_by_its_heartbeat(messaging: Messaging, subject: str) -> None:
    async def long(_: Delivery) -> None:
        await asyncio.sleep(3 * ACK_WAIT)

    worker = Worker(messaging, subject, long, concurrency=3)
    await messaging.publish(subject, _event(), subject)
    await asyncio.sleep(4 * ACK_WAIT)
    await worker.stop()
    assert [d.delivered for d in worker.seen] == [1]


async def test_several_at_once_and_no_more(messaging: Messaging, subject: str) -> None:
    running: list[int] = [0]
    most: list[int] = [0]

    async def some(_: Delivery) -> None:
        running[0] += 1
        most[0] = max(most[0], running[0])
        await asyncio.sleep(0.05)
        running[0] -= 1

    for i in range(20):
        await messaging.publish(subject, _event(), f"{subject}-{i}")
    worker = Worker(messaging, subject, some, concurrency=4)
    await _until(lambda: len(worker.seen) == 20 and running[0] == 0)
    await worker.stop()
    assert most[0] == 4


def test_the_back_off_doubles_up_to_a_minute() -> None:
    assert [back_off_seconds(n) for n in (1, 2, 3, 7, 8, 10**6)] == [1, 2, 4, 60, 60, 60]


@pytest.mark.parametrize(
    "error", [VedetteError(Code.STORE, "stalled", retryable=True), ValueError("a defect")], ids=["retryable", "defect"]
)
async def test_failed_work_comes_again_after_a_back_off(messaging: Messaging, subject: str, error: Exception) -> None:
    times: list[float] = []

    async def fail_twice(_: Delivery) -> None:
        times.append(time.monotonic())
        if len(times) <= 2:
            raise error

    await messaging.publish(subject, _event(), subject)
    worker = Worker(messaging, subject, fail_twice)
    await _until(lambda: len(times) == 3)
    await worker.stop()
    assert times[1] - times[0] >= 0.9
    assert times[2] - times[1] >= 1.9
    assert [d.delivered for d in worker.seen] == [1, 2, 3]


async def test_work_that_can_never_succeed_is_dropped(messaging: Messaging, subject: str) -> None:
    async def fail(delivery: Delivery) -> None:
        raise VedetteError(Code.UNREADABLE, "no image")

    await messaging.publish(subject, _event(), subject)
    worker = Worker(messaging, subject, fail)
    await asyncio.sleep(2 * ACK_WAIT + 1)
    await worker.stop()
    assert len(worker.seen) == 1


async def test_a_worker_told_to_stop_hands_its_work_back_at_once(messaging: Messaging, subject: str) -> None:
    async def never(_: Delivery) -> None:
        await asyncio.Event().wait()

    await messaging.publish(subject, _event(), subject)
    first = Worker(messaging, subject, never)
    await _until(lambda: bool(first.seen))
    second = Worker(messaging, subject, _at_once)
    stopped = time.monotonic()
    await first.stop()
    await _until(lambda: bool(second.seen))
    assert time.monotonic() - stopped < ACK_WAIT / 2
    await second.stop()


async def test_what_is_handed_back_is_not_counted_as_a_failure(messaging: Messaging, subject: str) -> None:
    """A worker told to stop, and one whose store is away, count nothing; a failure does."""
    outcomes: list[Exception] = [HandBack("away"), VedetteError(Code.STORE, "stalled", retryable=True)]
    counted: list[int] = []

    async def never(_: Delivery) -> None:
        await asyncio.Event().wait()

    async def in_turn(delivery: Delivery) -> None:
        counted.append(delivery.delivered)
        if outcomes:
            raise outcomes.pop(0)

    await messaging.publish(subject, _event(), subject)
    for _ in range(2):
        stopped = Worker(messaging, subject, never)
        await _until(lambda stopped=stopped: bool(stopped.seen))  # type: ignore[misc]
        await stopped.stop()
    worker = Worker(messaging, subject, in_turn)
    await _until(lambda: len(counted) == 3, 30)
    await worker.stop()
    assert counted == [1, 1, 2]


async def test_a_connection_that_was_closed_for_good_is_replaced(messaging: Messaging, subject: str) -> None:
    worker = Worker(messaging, subject, _at_once)
    await messaging.publish(subject, _event(), f"{subject}-1")
    await _until(lambda: len(worker.seen) == 1)
    before = messaging._connection.client
    await before._process_err("'Authentication Timeout'")
    await _until(lambda: messaging._connection.client is not before)
    assert before.is_closed
    async with asyncio.timeout(20):
        while not await messaging.ready():  # noqa: ASYNC110 - of another process's doing
            await asyncio.sleep(0.1)
    await messaging.publish(subject, _event(), f"{subject}-2")
    await _until(lambda: len(worker.seen) == 2, 30)
    await worker.stop()


async def test_a_lane_is_one_workers_and_can_be_closed(messaging: Messaging) -> None:
    mine, other = uuid4(), uuid4()
    first, second, elsewhere = (messages.lane_subject(lane, uuid4(), 1) for lane in (mine, mine, other))
    taken: list[str] = []

    async def keep(delivery: Delivery) -> None:
        taken.append(delivery.subject)
        await asyncio.sleep(30)

    working = asyncio.create_task(messaging.work_lane(mine, keep, 1))
    for subject in (elsewhere, first, second):
        await messaging.publish(subject, _event(), subject)
    await _until(lambda: taken == [first])
    await messaging.close_lane(mine)
    await messaging.close_lane(mine)
    held = [await messaging.holds(messages.LANES_STREAM, subject) for subject in (first, second, elsewhere)]
    assert held == [False, False, True], "what it was at, too; never what is another's"
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)
    await messaging.close_lane(other)


async def test_a_worker_that_was_taken_for_dead_makes_its_lane_anew(messaging: Messaging) -> None:
    lane, taken = uuid4(), list[str]()

    async def keep(delivery: Delivery) -> None:
        taken.append(delivery.subject)

    working = asyncio.create_task(messaging.work_lane(lane, keep, 1))
    subjects = [messages.lane_subject(lane, uuid4(), 1) for _ in range(2)]
    await messaging.publish(subjects[0], _event(), subjects[0])
    await _until(lambda: taken == subjects[:1])
    await messaging.close_lane(lane)
    await messaging.publish(subjects[1], _event(), subjects[1])
    await _until(lambda: taken == subjects)
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)
    await messaging.close_lane(lane)


async def test_the_queue_of_an_older_version_goes(messaging: Messaging) -> None:
    """With what waits in it: it is in the database, from where it is placed."""
    stream = messaging._stream
    await stream.add_stream(name="DETECT", subjects=["detect.>"], retention=api.RetentionPolicy.WORK_QUEUE)
    await stream.add_consumer("DETECT", api.ConsumerConfig(durable_name="detector-workers", filter_subject="detect.>"))
    await stream.publish("detect.crowns.x.1", b"{}")
    await messaging.ensure_streams()
    with pytest.raises(js_errors.NotFoundError):
        await stream.stream_info("DETECT")


async def test_the_queue_says_what_it_holds(messaging: Messaging, subject: str) -> None:
    released = asyncio.Event()

    async def wait(_: Delivery) -> None:
        await released.wait()

    assert not await messaging.holds(messages.LANES_STREAM, subject)
    await messaging.publish(subject, _event(), subject)
    assert await messaging.holds(messages.LANES_STREAM, subject)
    worker = Worker(messaging, subject, wait)
    await _until(lambda: bool(worker.seen))
    assert await messaging.holds(messages.LANES_STREAM, subject), "in work"
    released.set()
    async with asyncio.timeout(10):
        while await messaging.holds(messages.LANES_STREAM, subject):  # noqa: ASYNC110 - of another process's doing
            await asyncio.sleep(0.05)
    await worker.stop()


async def test_a_cancellation_concerns_the_attempts_so_far(messaging: Messaging) -> None:
    run = uuid4()
    await messaging.cancel_run(run, 2)
    assert [await messaging.is_cancelled(run, attempt) for attempt in (1, 2, 3)] == [True, True, False]
    await messaging.cancel_run(run)
    assert await messaging.is_cancelled(run, 3)


@pytest.fixture
def restartable(nats_server: MessagingServer) -> Iterator[MessagingServer]:
    yield nats_server
    if nats_server.server.process is None:
        nats_server.server.start()


async def test_everything_goes_on_after_the_server_was_killed(
    restartable: MessagingServer, messaging: Messaging, subject: str
) -> None:
    worker = Worker(messaging, subject, _at_once)
    events = messaging.events(None)
    next_event = asyncio.create_task(_collect(events, 3, 60))
    watched: list[UUID] = []
    run = uuid4()

    async def watch() -> None:
        async for cancelled in messaging.cancellations():
            watched.append(cancelled.run_id)  # noqa: PERF401 - it never ends

    watching = asyncio.create_task(watch())
    await asyncio.sleep(0.3)
    await messaging.publish(subject, _event(), f"{subject}-1")
    await messaging.publish("events.item.changed", _event("1"), f"{subject}-e1")
    await _until(lambda: len(worker.seen) == 1)
    await asyncio.sleep(1)  # its acknowledgement is sent: else it comes again, as it should

    restartable.server.kill()
    with pytest.raises(VedetteError) as error:
        await messaging.publish(subject, _event(), f"{subject}-2")
    assert (error.value.reason.code, error.value.reason.retryable) == (Code.UNAVAILABLE, True)
    assert not await messaging.ready()
    await asyncio.to_thread(restartable.server.start)

    async with asyncio.timeout(20):
        while not await messaging.ready():  # noqa: ASYNC110 - of another process's doing
            await asyncio.sleep(0.1)
    await messaging.publish(subject, _event(), f"{subject}-2")  # stored once, though it was sent twice
    for state in ("2", "3"):
        await messaging.publish("events.item.changed", _event(state), f"{subject}-e{state}")
    await messaging.cancel_run(run)
    await _until(lambda: len(worker.seen) == 2 and run in watched, 30)
    assert [Event.model_validate_json(e.data).state for e in await next_event] == ["1", "2", "3"]
    await asyncio.sleep(0.5)
    assert len(worker.seen) == 2
    watching.cancel()
    await worker.stop()


async def test_stored_work_survives_kill_minus_nine(
    restartable: MessagingServer, messaging: Messaging, subject: str
) -> None:
    for i in range(50):
        await messaging.publish(subject, _event(str(i)), f"{subject}-{i}")
    restartable.server.kill()
    await asyncio.to_thread(restartable.server.start)
    worker = Worker(messaging, subject, _at_once, concurrency=2)
    await _until(lambda: len(worker.seen) == 50, 30)
    await worker.stop()
    assert {Event.model_validate_json(d.data).state for d in worker.seen} == {str(i) for i in range(50)}


async def test_events_are_resumed_by_sequence(messaging: Messaging) -> None:
    mark = uuid4().hex
    for i in range(450):
        await messaging.publish("events.run.changed", _event(f"{mark} {i}"), f"{mark}-{i}")
    every = await _collect(messaging.events(0), 450)
    while Event.model_validate_json(every[-1].data).state != f"{mark} 449":
        every = every[1:] + await _collect(messaging.events(every[-1].sequence), 1)
    assert [Event.model_validate_json(e.data).state for e in every] == [f"{mark} {i}" for i in range(450)]
    resumed = await _collect(messaging.events(every[99].sequence), 350)
    assert resumed == every[100:]


async def test_events_from_now_on(messaging: Messaging) -> None:
    await messaging.publish("events.run.changed", _event("before"), uuid4().hex)
    waiting = asyncio.create_task(_collect(messaging.events(None), 2))
    await asyncio.sleep(0.3)
    sent = time.monotonic()
    for state in ("a", "b"):
        await messaging.publish("events.run.changed", _event(state), uuid4().hex)
    found = await waiting
    assert [Event.model_validate_json(e.data).state for e in found] == ["a", "b"]
    assert time.monotonic() - sent < 0.5  # live, not held back


async def test_events_of_a_lost_stream_are_not_waited_for(messaging: Messaging) -> None:
    """A page comes back with a sequence that the stream has not reached: the server lost its data meanwhile."""
    await messaging.publish("events.run.changed", _event("there"), uuid4().hex)
    [first] = await _collect(messaging.events(10**12), 1)
    assert first.sequence < 10**12


async def test_cancellations(messaging: Messaging) -> None:
    before, after, forgotten = uuid4(), uuid4(), uuid4()
    await messaging.cancel_run(before)
    await messaging.cancel_run(forgotten)
    await messaging.forget_cancellation(forgotten)
    assert await messaging.is_cancelled(before)
    assert not await messaging.is_cancelled(after)
    assert not await messaging.is_cancelled(forgotten)
    found: list[UUID] = []

    async def watch() -> None:
        async for run in messaging.cancellations():
            found.append(run.run_id)  # noqa: PERF401 - it never ends

    watching = asyncio.create_task(watch())
    await _until(lambda: before in found)
    await messaging.cancel_run(after)
    await _until(lambda: after in found)
    watching.cancel()
    assert forgotten not in found


def _announcement() -> WorkerAnnouncement:
    return WorkerAnnouncement(
        id=uuid4(), kind=WorkerKind.MEDIA, version="0.1.0", host="here", process_id=1, cpus=2, memory_bytes=1,
        started_at=now(), seen_at=now(),
    )  # fmt: skip


async def test_workers_are_listed_until_they_fall_silent(messaging: Messaging) -> None:
    silent, leaving, staying = _announcement(), _announcement(), _announcement()
    for worker in (silent, leaving, staying):
        await messaging.announce(worker)
    assert {w.id for w in await messaging.workers()} >= {silent.id, leaving.id, staying.id}
    await messaging.forget_worker(leaving.id)
    assert leaving.id not in {w.id for w in await messaging.workers()}
    for _ in range(4):
        await asyncio.sleep(5)
        await messaging.announce(staying)
    assert {w.id for w in await messaging.workers()} & {silent.id, staying.id} == {staying.id}


async def test_a_wrong_password_is_refused(nats_server: MessagingServer) -> None:
    wrong = nats_server.settings.model_copy(update={"password": SecretStr("wrong")})
    begun = time.monotonic()
    with pytest.raises(VedetteError) as error:
        await Messaging.connect(wrong, "stranger")
    assert time.monotonic() - begun < 3
    assert error.value.reason.code is Code.UNAVAILABLE
    assert "uthorization" in error.value.reason.message


async def test_a_server_that_is_not_there(nats_server: MessagingServer) -> None:
    absent = nats_server.settings.model_copy(update={"url": "nats://127.0.0.1:1"})
    begun = time.monotonic()
    with pytest.raises(VedetteError) as error:
        await Messaging.connect(absent, "test")
    assert error.value.reason.retryable
    assert time.monotonic() - begun < 12


async def test_a_message_that_is_too_large_is_told(messaging: Messaging, subject: str) -> None:
    with pytest.raises(VedetteError) as error:
        await messaging.publish(subject, _event("x" * (5 << 20)), subject)
    assert (error.value.reason.code, error.value.reason.retryable) == (Code.LIMIT, False)


async def test_a_board_tells_what_stands_and_what_changes(messaging: Messaging) -> None:
    board, key = messaging.detector_queues, f"d-{uuid4().hex}"
    await board.put(key, messages.DetectorQueue(pending_megapixels=1))
    seen = []
    async with asyncio.timeout(20), contextlib.aclosing(board.follow()) as entries:
        async for each, value in entries:
            if each != key:
                continue
            seen.append(value)
            if value is None:
                break
            if value.busy:
                await board.forget(key)
            else:
                await board.put(key, messages.DetectorQueue(busy=2))
    assert seen == [messages.DetectorQueue(pending_megapixels=1), messages.DetectorQueue(busy=2), None]
