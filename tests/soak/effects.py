"""Do a disturbance to the running appliance, take it back, and wait until all is well again. Used by the soak."""

from __future__ import annotations

import contextlib
import resource
import shutil
import signal
import time
from collections.abc import Iterator

import psutil

from tests.small_disk import filled
from tests.soak.running import Appliance
from tests.soak.schedule import Disturbance, Kind

_WELL_SECONDS = 180.0
_FILE_BYTES = 4096


def disturb(appliance: Appliance, what: Disturbance) -> float:
    """Seconds from the moment it was taken back (what is killed: was killed) until all was well.

    Raises TimeoutError when it never becomes so.
    """
    with _disturbed(appliance, what):
        time.sleep(what.seconds)
    begun = time.monotonic()
    time.sleep(0.3)  # the supervisor looks ten times a second
    while unwell := appliance.unwell():
        if time.monotonic() - begun > _WELL_SECONDS:
            raise TimeoutError(f"after {what}, not all is well within {_WELL_SECONDS:.0f} s: {unwell}")
        time.sleep(0.2)
    return time.monotonic() - begun


@contextlib.contextmanager
def _disturbed(appliance: Appliance, what: Disturbance) -> Iterator[None]:
    match what.kind:
        case Kind.KILL:
            _kill(appliance, what.part)
            yield
        case Kind.PAUSE | Kind.HANG:
            with _paused(appliance.family(what.part)):
                yield
        case Kind.FILL:
            with filled(appliance.data.path.parent) if appliance.small_disk else _no_files(appliance):
                yield
        case Kind.CUT | Kind.STALL:
            proxy = appliance.proxies[what.part]
            (proxy.cut if what.kind is Kind.CUT else proxy.stall)()
            try:
                yield
            finally:
                proxy.mend()
        case Kind.FORGET:
            folder = appliance.data.nats / "jetstream"
            folder.rename(folder.with_name("lost"))
            _kill(appliance, what.part)
            yield
            shutil.rmtree(folder.with_name("lost"), ignore_errors=True)


def _kill(appliance: Appliance, part: str) -> None:
    with contextlib.suppress(psutil.Error):
        for process in appliance.family(part)[:1]:
            process.kill()


@contextlib.contextmanager
def _paused(processes: list[psutil.Process]) -> Iterator[None]:
    _signal(processes, signal.SIGSTOP)
    try:
        yield
    finally:
        _signal(processes, signal.SIGCONT)


def _signal(processes: list[psutil.Process], number: signal.Signals) -> None:
    for process in processes:
        with contextlib.suppress(psutil.Error):
            process.send_signal(number)


@contextlib.contextmanager
def _no_files(appliance: Appliance) -> Iterator[None]:
    """Where no disk can be mounted: the workers may write no file larger than a few kilobytes."""
    limited: list[tuple[psutil.Process, tuple[int, int]]] = []
    for process in (*appliance.family("media-1"), *appliance.family("detector-1")):
        with contextlib.suppress(psutil.Error):
            before = process.rlimit(resource.RLIMIT_FSIZE)
            process.rlimit(resource.RLIMIT_FSIZE, (_FILE_BYTES, before[1]))
            limited.append((process, before))
    try:
        yield
    finally:
        for process, before in limited:
            with contextlib.suppress(psutil.Error):
                process.rlimit(resource.RLIMIT_FSIZE, before)
