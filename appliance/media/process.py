"""Watch one decoding process and turn whatever becomes of it into a result or one VedetteError. Called by normalise.py.

The process is trusted with nothing: its answers are parsed with bounds, and its time is ours.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from appliance.contracts.errors import Reason, VedetteError
from appliance.contracts.item import SceneInfo
from appliance.media import failures
from appliance.media.limits import Limits
from appliance.media.spawning import Nursery

_TICK_SECONDS = 0.5
_END_SECONDS = 10.0
_LINE_LIMIT = 16 << 20
_STDERR_KEPT = 8192


class DecodingProcess:
    """One run. `progress(fraction)` is called at least once a second, also when nothing moves; an exception from it
    stops the process and is raised on."""

    def __init__(self, path: Path, name: str, folder: Path, limits: Limits) -> None:
        self._name, self._limits = name, limits
        self._request = {"path": str(path), "name": name, "folder": str(folder), "limits": asdict(limits)}
        self._answer: SceneInfo | Reason | None = None
        self._group: int | None = None
        self._exit: int | None = None
        self._fraction = 0.0
        self._buffer = b""
        self.stderr = b""

    def run(self, nursery: Nursery, progress: Callable[[float], None]) -> SceneInfo:
        """Raises VedetteError whatever happens to the process."""
        self._started = time.monotonic()
        self._allowed = self._limits.open_seconds
        with contextlib.ExitStack() as stack:
            stdin, request = _pipe(stack)
            answers, stdout = _pipe(stack)
            complaints, stderr = _pipe(stack)
            nursery.spawn(stdin.fileno(), stdout.fileno(), stderr.fileno())
            for theirs in (stdin, stdout, stderr):
                theirs.close()
            with contextlib.suppress(BrokenPipeError):
                request.write(json.dumps(self._request).encode() + b"\n")
                request.flush()
            with selectors.DefaultSelector() as selector:
                selector.register(answers, selectors.EVENT_READ, self._hear)
                selector.register(complaints, selectors.EVENT_READ, self._keep)
                try:
                    self._watch(selector, progress)
                finally:
                    self._stop(selector)
        return self._result()

    def _watch(self, selector: selectors.BaseSelector, progress: Callable[[float], None]) -> None:
        while selector.get_map() and self._answer is None and self._exit is None:
            if time.monotonic() - self._started > self._allowed:
                raise failures.out_of_time(self._name, self._allowed)
            self._listen(selector)
            progress(self._fraction)

    def _stop(self, selector: selectors.BaseSelector) -> None:
        """Kill the group and wait until both pipes have ended: then no process of it holds a file any more."""
        end = time.monotonic() + _END_SECONDS
        while selector.get_map() and time.monotonic() < end:
            if self._group is not None:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(self._group, signal.SIGKILL)
            with contextlib.suppress(VedetteError):
                self._listen(selector)

    def _listen(self, selector: selectors.BaseSelector) -> None:
        for key, _ in selector.select(_TICK_SECONDS):
            data = os.read(key.fd, 1 << 16)
            if not data:
                selector.unregister(key.fileobj)
            key.data(data)

    def _keep(self, data: bytes) -> None:
        self.stderr = (self.stderr + data)[-_STDERR_KEPT:]

    def _hear(self, data: bytes) -> None:
        self._buffer += data
        *lines, self._buffer = self._buffer.split(b"\n")
        if len(self._buffer) > _LINE_LIMIT:
            raise failures.decoder_died(self._name, "it answered without end")
        for line in lines:
            try:
                self._understand(json.loads(line))
            except (ValueError, TypeError, AttributeError, ValidationError) as error:
                raise failures.decoder_died(self._name, "its answer makes no sense") from error

    def _understand(self, message: dict[str, Any]) -> None:
        for kind, value in message.items():
            if kind == "group" and self._group is None:  # the guard says it before the decoder exists
                self._group = int(value)
            elif kind == "exit":
                self._exit = int(value)
            elif kind == "opened":
                self._allowed = time.monotonic() - self._started + self._limits.deadline(int(value))
            elif kind == "progress":
                self._fraction = min(1.0, max(self._fraction, float(value)))
            elif kind == "done" and self._answer is None:
                self._answer = SceneInfo.model_validate(value)
            elif kind == "failed" and self._answer is None:
                self._answer = Reason.model_validate(value)

    def _result(self) -> SceneInfo:
        answer, code = self._answer, self._exit
        if isinstance(answer, SceneInfo):
            return answer
        if isinstance(answer, Reason):
            raise VedetteError(answer.code, answer.message, answer.remedy, retryable=answer.retryable)
        if code is None or code == -signal.SIGKILL:
            raise failures.killed(self._name, self._limits)
        if code == -signal.SIGXCPU:
            raise failures.out_of_time(self._name, self._limits.seconds)
        if any(word in self.stderr for word in (b"MemoryError", b"Cannot allocate memory", b"bad_alloc")):
            raise failures.out_of_memory(self._name, self._limits)
        how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        raise failures.decoder_died(self._name, how)


def _pipe(stack: contextlib.ExitStack) -> tuple[Any, Any]:
    """(read end, write end), both closed with the stack."""
    reading, writing = os.pipe()
    read_end = stack.enter_context(os.fdopen(reading, "rb", buffering=0))
    write_end = stack.enter_context(os.fdopen(writing, "wb", buffering=0))
    return read_end, write_end
