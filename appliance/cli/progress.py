"""Progress of several things at once: bars on a terminal, now and then a plain line elsewhere. Used by push, run and demo."""

from __future__ import annotations

import sys
import time
from contextlib import AbstractContextManager
from threading import Lock
from types import TracebackType
from typing import Any, Protocol

from appliance.cli.output import Output

_EVERY_SECONDS = 5.0


class Progress(Protocol):
    """`key` names the thing; safe to call from any thread."""

    def show(self, key: str, text: str, fraction: float | None) -> None:
        """What the thing is doing, and how far it is (None: nobody knows)."""

    def end(self, key: str, text: str) -> None:
        """The thing is over; `text` stays."""


class PlainLines(AbstractContextManager["PlainLines"]):
    """A line when a thing begins to do something else, and one each five seconds while it goes on."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._last: dict[str, tuple[str, float]] = {}

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def show(self, key: str, text: str, fraction: float | None) -> None:
        now = time.monotonic()
        with self._lock:
            before, at = self._last.get(key, ("", 0.0))
            if text == before and now - at < _EVERY_SECONDS:
                return
            self._last[key] = (text, now)
            print(f"{key}: {text}" + ("" if fraction is None else f" {fraction:.0%}"), file=sys.stderr, flush=True)

    def end(self, key: str, text: str) -> None:
        with self._lock:
            print(f"{key}: {text}", file=sys.stderr, flush=True)


class Silence(AbstractContextManager["Silence"]):
    """For --json: only results are printed."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def show(self, key: str, text: str, fraction: float | None) -> None: ...

    def end(self, key: str, text: str) -> None: ...


class Bars(AbstractContextManager["Bars"]):
    """Rich's live bars on standard error."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
        from rich.progress import Progress as RichProgress

        self._rich = RichProgress(
            TextColumn("{task.fields[key]}"),
            BarColumn(bar_width=30),
            TextColumn("{task.fields[text]}"),
            TimeElapsedColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        self._tasks: dict[str, Any] = {}
        self._lock = Lock()

    def __enter__(self) -> Bars:
        self._rich.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._rich.stop()

    def show(self, key: str, text: str, fraction: float | None) -> None:
        with self._lock:
            if key not in self._tasks:
                self._tasks[key] = self._rich.add_task("", total=None, key=_short(key), text=text)
            total = None if fraction is None else 1.0
            self._rich.update(self._tasks[key], total=total, completed=fraction or 0.0, text=text)

    def end(self, key: str, text: str) -> None:
        with self._lock:
            if key in self._tasks:
                self._rich.remove_task(self._tasks.pop(key))
            self._rich.console.print(f"{key}: {text}", markup=False, highlight=False)


def _short(key: str, most: int = 32) -> str:
    return key if len(key) <= most else "…" + key[-most + 1 :]


def on(output: Output) -> Bars | PlainLines | Silence:
    if output.as_json:
        return Silence()
    return Bars() if output.interactive else PlainLines()
