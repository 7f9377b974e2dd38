"""A supervisor in a process of its own, for the tests that kill things."""

from __future__ import annotations

import contextlib
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil

from appliance.contracts.errors import Reason
from appliance.standalone import lock, status, sweep
from appliance.standalone.layout import DataFolder
from appliance.standalone.report import Progress
from appliance.standalone.status import PartState, PartStatus, Status


def until(condition: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


class Supervised:
    def __init__(self, data: Path, *arguments: str) -> None:
        self.data = DataFolder.of(data)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.standalone.servers_only", "--data", str(data), *arguments],
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        self._heard: queue.Queue[Progress] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        for line in self.process.stdout or ():
            self._heard.put(Progress.model_validate_json(line))

    def hear(self, seconds: float = 90) -> Progress:
        """The next word that is not about a part."""
        deadline = time.monotonic() + seconds
        while True:
            progress = self._heard.get(timeout=max(0.01, deadline - time.monotonic()))
            if progress.part is None:
                return progress

    def ready(self) -> Supervised:
        progress = self.hear()
        assert progress.ready is not None, progress.failed
        return self

    def refused(self) -> Reason:
        progress = self.hear()
        assert progress.failed is not None
        assert self.process.wait(30) == 2
        return progress.failed

    @property
    def status(self) -> Status:
        found = status.read(self.data)
        assert found is not None
        return found

    def part(self, name: str) -> PartStatus:
        [found] = [part for part in self.status.parts if part.name == name]
        return found

    def all_ready(self) -> bool:
        found = status.read(self.data)
        return found is not None and all(part.state is PartState.READY for part in found.parts)

    def came_back(self, before: PartStatus) -> bool:
        after = self.part(before.name)
        return after.state is PartState.READY and after.process_id not in {None, before.process_id}

    def family(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(60)

    def end(self) -> None:
        """However the test went."""
        with contextlib.suppress(ProcessLookupError, subprocess.TimeoutExpired):
            self.stop()
        self.process.kill()
        self.process.wait()
        if not lock.is_held(self.data):  # else it is another's
            sweep.sweep(self.data)
        self._reader.join(5)
        if self.process.stdout:
            self.process.stdout.close()


def left_of(data: DataFolder) -> list[str]:
    """What still runs of it, for a message that tells."""
    found = []
    for process in sweep.leftovers(data):
        with contextlib.suppress(psutil.Error):
            found.append(f"{process.pid} {' '.join(process.cmdline())[:100]}")
    return found


@contextlib.contextmanager
def supervised(data: Path, *arguments: str) -> Iterator[Supervised]:
    running = Supervised(data, *arguments)
    try:
        yield running
    finally:
        running.end()
