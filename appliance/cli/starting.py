"""What people see while Vedette starts: a line for each part as it comes up, and at the end where to go."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.status import Status

from appliance.standalone.report import Progress, Ready
from appliance.standalone.status import PartState, PartStatus

_NOT_YET = {PartState.WAITING, PartState.STARTING, PartState.RESTARTING}
_TOLD = {PartState.READY, PartState.UNWELL, PartState.RESTARTING, PartState.FAILED, PartState.STOPPED}


class Starting:
    """A report (appliance/standalone/report.py) for people. Plain lines where no terminal is."""

    def __init__(self, *, interactive: bool) -> None:
        self._console = Console(stderr=True, highlight=False)
        self._spinner = Status("Starting…", console=self._console) if interactive else None
        self._begun = time.monotonic()
        self._parts: dict[str, PartState] = {}

    def __enter__(self) -> Self:
        if self._spinner:
            self._spinner.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._spinner:
            self._spinner.stop()

    def __call__(self, progress: Progress) -> None:
        if progress.part is not None:
            self._tell(progress.part)
        if progress.ready is not None:
            self._welcome(progress.ready)

    def _tell(self, part: PartStatus) -> None:
        before = self._parts.get(part.name)
        self._parts[part.name] = part.state
        if part.state is not before and part.state in _TOLD:
            seconds = time.monotonic() - self._begun
            self._console.print(f"  {part.name:<12} {part.state.value:<10} {seconds:6.1f} s")
        if self._spinner:
            busy = [name for name, state in self._parts.items() if state in _NOT_YET]
            self._spinner.update(f"Starting {', '.join(busy)}…" if busy else "Running")

    def _welcome(self, ready: Ready) -> None:
        """The address is a result, for programs too; it goes to standard output."""
        if self._spinner:
            self._spinner.stop()
        print(f"Vedette is at {ready.url}", flush=True)
        if ready.link:
            print(f"Sign in as administrator, once, with {ready.link}", flush=True)
        print("Stop it with `vedette down`, or Ctrl-C where it runs in front.", file=sys.stderr, flush=True)
