"""Keep the parts running: start each after those it needs, start it again when it ends, stop all in order.

One asyncio task per part, on the thread that starts processes (the kernel ties a child's life to that thread). What may
take long (making a database, asking for readiness, waiting for an end) runs in threads beside it. Knows no server.
"""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TypeVar

from appliance.contracts.errors import Code, VedetteError
from appliance.standalone import log_files, order, processes
from appliance.standalone.layout import DataFolder
from appliance.standalone.restart import Failures, RestartPolicy
from appliance.standalone.service import Service
from appliance.standalone.status import PartState, PartStatus, now

T = TypeVar("T")

_POLL_SECONDS = 0.1
_LOG_SECONDS = 5.0


@dataclass
class _Part:
    service: Service
    status: PartStatus
    failures: Failures = field(default_factory=Failures)
    problem: Exception | None = None
    process: subprocess.Popen[bytes] | None = None
    been_ready: asyncio.Event = field(default_factory=asyncio.Event)


class Supervisor:
    """Run `start` once, then `watch` until something asks to stop, then `stop`, always."""

    def __init__(
        self,
        data: DataFolder,
        services: Sequence[Service],
        changed: Callable[[PartStatus], None],
        policy: RestartPolicy | None = None,
    ) -> None:
        self._data = data
        self._changed = changed
        self._policy = policy or RestartPolicy()
        self._waves = order.waves(services)
        self._parts = {
            service.name: _Part(service, PartStatus(name=service.name, ports=service.ports)) for service in services
        }
        self._pool = ThreadPoolExecutor(2 * len(services) + 2, thread_name_prefix="supervisor")
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def parts(self) -> tuple[PartStatus, ...]:
        return tuple(part.status for part in self._parts.values())

    async def start(self) -> None:
        """Return once every part has been ready. Raises VedetteError(UNAVAILABLE) when one cannot be started."""
        self._tasks = [asyncio.create_task(self._keep(part)) for part in self._parts.values()]
        self._tasks.append(asyncio.create_task(self._cut_logs()))
        everyone = asyncio.create_task(self._all_ready())
        try:
            await asyncio.wait([everyone, *self._tasks], return_when=asyncio.FIRST_COMPLETED)
            self._raise_what_went_wrong()
        finally:
            everyone.cancel()

    async def _all_ready(self) -> None:
        for part in self._parts.values():
            await part.been_ready.wait()

    async def watch(self) -> None:
        """Until cancelled. Raises only what is a defect of ours."""
        await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
        self._raise_what_went_wrong()

    def _raise_what_went_wrong(self) -> None:
        for task in self._tasks:
            if task.done():
                task.result()

    async def stop(self) -> None:
        """End every part, those that need others first. Nothing is left running afterwards."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for wave in reversed(self._waves):
            await asyncio.gather(*(self._end(self._parts[service.name]) for service in wave))
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def _end(self, part: _Part) -> None:
        if part.process is not None:
            self._say(part, PartState.STOPPING)
            await self._aside(processes.stop, part.process, part.service)
            part.process = None
        self._say(part, PartState.STOPPED)

    async def _keep(self, part: _Part) -> None:
        """One part, for ever: wait for those it needs, start it, watch it, and again. Gives up only at the beginning."""
        for name in part.service.after:
            await self._parts[name].been_ready.wait()
        while True:
            ready_seconds = await self._once(part)
            part.failures = part.failures.ended(ready_seconds, self._policy)
            if part.failures.hopeless(self._policy):
                self._say(part, PartState.FAILED)
                raise self._cannot_start(part)
            self._say(part, PartState.RESTARTING)
            await asyncio.sleep(part.failures.pause_seconds(self._policy))

    async def _once(self, part: _Part) -> float | None:
        """Start it and see it end. For how long it was ready, None when it never became so."""
        ready_since = None
        try:
            part.problem = None
            await self._aside(part.service.prepare)
            process = self._launch(part)
            if await self._aside(processes.wait_ready, part.service, process):
                await self._aside(part.service.once_ready)
                ready_since = time.monotonic()
                self._say(part, PartState.READY)
                part.been_ready.set()
                await self._watch_over(part, process)
        except Exception as error:  # a full disk, a program that is gone: it may pass, so it counts as one more end
            part.problem = error
        ready_seconds = None if ready_since is None else time.monotonic() - ready_since
        if part.process is not None:  # what it left behind, or all of it
            await self._aside(processes.stop, part.process, part.service)
            part.process = None
        return ready_seconds

    def _launch(self, part: _Part) -> subprocess.Popen[bytes]:
        with log_files.open_for(self._data.log(part.service.name), f"{part.service.name} starts", now()) as log:
            part.process = processes.start(part.service, log, self._data.mark)
        part.status = part.status.model_copy(update={"process_id": part.process.pid, "started_at": now()})
        self._say(part, PartState.STARTING)
        return part.process

    async def _watch_over(self, part: _Part, process: subprocess.Popen[bytes]) -> None:
        """Return when the process has ended; meanwhile see whether it still answers, and end one that hangs."""
        asked = alive = time.monotonic()
        while process.poll() is None:
            if time.monotonic() - asked > self._policy.ask_seconds:
                well = await self._aside(part.service.ready, process.pid)
                if well or await self._aside(part.service.alive, process.pid):
                    alive = time.monotonic()
                asked = time.monotonic()
                state = PartState.READY if well else PartState.UNWELL
                if state is not part.status.state:
                    self._say(part, state)
                if asked - alive > self._policy.hung_seconds:
                    processes.kill_group(process.pid)  # it would not hear a polite word
            await asyncio.sleep(_POLL_SECONDS)

    def _cannot_start(self, part: _Part) -> VedetteError:
        if isinstance(part.problem, VedetteError):
            return part.problem
        log = self._data.log(part.service.name)
        words = str(part.problem) if part.problem else log_files.last_words(log)
        message = f"The part `{part.service.name}` does not start; its last words were: {words}"
        return VedetteError(Code.UNAVAILABLE, message, f"Read {log}.")

    def _say(self, part: _Part, state: PartState) -> None:
        change: dict[str, object] = {"state": state, "restarts": part.failures.total}
        if not state.running:
            change |= {"process_id": None, "started_at": None}
        part.status = part.status.model_copy(update=change)
        self._changed(part.status)

    async def _cut_logs(self) -> None:
        while True:
            await asyncio.sleep(_LOG_SECONDS)
            for name in self._parts:
                with contextlib.suppress(OSError):  # a full disk: the part goes on with the log it has
                    await self._aside(log_files.rotate, self._data.log(name))

    def _aside(self, function: Callable[..., T], *arguments: object) -> Awaitable[T]:
        return asyncio.get_running_loop().run_in_executor(self._pool, function, *arguments)
