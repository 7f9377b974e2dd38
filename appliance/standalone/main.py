"""One `vedette up`: take the folder, sweep what a killed one left, run the parts until told to stop, leave in order.

Called by the CLI in its own process, or as `python -m appliance.standalone.main` by detach.py.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import dataclasses
import os
import signal
import sys
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path

from appliance.contracts.errors import VedetteError
from appliance.standalone import checks, lock, parts, sweep
from appliance.standalone.layout import DataFolder
from appliance.standalone.parts import Parts, Workers
from appliance.standalone.report import Progress, Ready, Report
from appliance.standalone.restart import RestartPolicy
from appliance.standalone.service import Service
from appliance.standalone.state import State, choose
from appliance.standalone.status import PartStatus, Status, now
from appliance.standalone.status_file import StatusFile
from appliance.standalone.supervisor import Supervisor
from appliance.standalone.welcome import Welcome

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True)
class Options:
    """What `vedette up` was asked for. `planned` is parts.plan but in tests."""

    data: DataFolder
    port: int | None = None
    workers: Workers = dataclasses.field(default_factory=Workers)
    policy: RestartPolicy = dataclasses.field(default_factory=RestartPolicy)
    planned: Callable[[DataFolder, State, Workers], Parts] = parts.plan


def run(options: Options, report: Report) -> None:
    """Return when it was told to stop (SIGINT, SIGTERM, SIGHUP) and nothing runs any more.

    Raises VedetteError when the folder cannot be used, another runs on it, a program is missing, the port is taken or a
    part does not start; nothing runs then either.
    """
    data = options.data
    checks.use_folder(data)
    with lock.held(data):
        checks.require_room(data)
        sweep.sweep(data)
        planned = options.planned(data, choose(data, options.port, options.workers.count), options.workers)
        try:
            asyncio.run(_serve(options, planned, report))
        finally:
            data.status.unlink(missing_ok=True)
            sweep.sweep(data)


async def _serve(options: Options, planned: Parts, report: Report) -> None:
    data = options.data
    welcome = Welcome(planned.around.url, planned.around.environment(database=True), data.token, data.path)
    services = [*planned.servers, *(_welcoming(service, welcome) for service in planned.own)]
    file = StatusFile(data.status)
    begun = Status(data=data.path, url=planned.around.url, supervisor=os.getpid(), started_at=now())

    def changed(part: PartStatus) -> None:
        save(ready=False)
        report(Progress(part=part))

    def save(*, ready: bool) -> None:
        nonlocal begun
        begun = begun.model_copy(update={"parts": supervisor.parts, "ready": begun.ready or ready})
        file.write(begun)

    supervisor = Supervisor(data, services, changed, options.policy)
    stopping = asyncio.Event()
    for number in _SIGNALS:
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    keeping = asyncio.create_task(file.keep())
    try:
        if await _unless(stopping, supervisor.start()):
            save(ready=True)
            report(Progress(ready=Ready(url=begun.url, link=welcome.link)))
            await _unless(stopping, supervisor.watch())
    finally:
        await supervisor.stop()
        keeping.cancel()


async def _unless(stopping: asyncio.Event, work: Coroutine[None, None, None]) -> bool:
    """Whether the work was done before we were told to stop."""
    doing = asyncio.create_task(work)
    told = asyncio.create_task(stopping.wait())
    try:
        await asyncio.wait([doing, told], return_when=asyncio.FIRST_COMPLETED)
        if doing.done():
            doing.result()
        return doing.done()
    finally:
        doing.cancel()
        told.cancel()


def _welcoming(service: Service, welcome: Welcome) -> Service:
    return dataclasses.replace(service, once_ready=welcome.make) if service.name == "api" else service


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m appliance.standalone.main", description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--port", type=int)
    parser.add_argument("--media-workers", type=int, default=Workers().media)
    parser.add_argument("--detector-workers", type=int, default=Workers().detector)
    return parser.parse_args()


def main() -> int:
    """Report in JSON lines on standard output, which is let go of once all is said."""
    given = _arguments()
    heard = True

    def report(progress: Progress) -> None:
        nonlocal heard
        if not heard:
            return
        heard = progress.ready is None and progress.failed is None
        with contextlib.suppress(OSError):  # whoever started us has gone; we were not told to stop
            os.write(1, progress.model_dump_json(exclude_none=True).encode() + b"\n")
        if not heard:
            os.dup2(2, 1)

    workers = Workers(given.media_workers, given.detector_workers)
    try:
        run(Options(DataFolder.of(given.data), given.port, workers), report)
    except VedetteError as error:
        report(Progress(failed=error.reason))
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
