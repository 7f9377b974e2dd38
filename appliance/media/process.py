"""Run the decoding process and turn whatever becomes of it into a result or one VedetteError. Called by normalise.py.

The child is trusted with nothing: its answers are parsed with bounds, its time is ours, its environment holds no secret.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from appliance.contracts.errors import Reason, VedetteError
from appliance.contracts.item import SceneInfo
from appliance.media import failures
from appliance.media.confine import unwanted_drivers
from appliance.media.limits import Limits

_TICK_SECONDS = 0.5
_LINE_LIMIT = 16 << 20
_STDERR_KEPT = 8192
_ROOT = Path(__file__).resolve().parents[2]
_SIGNALS_OF_LIMITS = {signal.SIGXCPU: "time"}


class DecodingProcess:
    """One run of `python -m appliance.media.decode`. `progress(fraction)` is called at least once a second, also when
    nothing moves; an exception from it stops the process and is raised on."""

    def __init__(self, path: Path, name: str, folder: Path, limits: Limits) -> None:
        self._name, self._limits = name, limits
        self._request = {"path": str(path), "name": name, "folder": str(folder), "limits": asdict(limits)}
        self._folder = folder
        self._answer: SceneInfo | Reason | None = None
        self._fraction = 0.0
        self._buffer = b""
        self.stderr = b""

    def run(self, progress: Callable[[float], None]) -> SceneInfo:
        """Raises VedetteError whatever happens to the child."""
        self._started = time.monotonic()
        self._allowed = self._limits.open_seconds
        child = subprocess.Popen(
            [sys.executable, "-P", "-m", "appliance.media.decode"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=self._folder,
            env=_environment(self._folder),
            start_new_session=True,
        )
        try:
            self._talk(child, progress)
            code = child.wait(timeout=10)
        except subprocess.TimeoutExpired:
            code = 0  # it answered and then would not end
        finally:
            _stop(child)
        return self._result(code)

    def _talk(self, child: subprocess.Popen[bytes], progress: Callable[[float], None]) -> None:
        assert child.stdin  # noqa: S101
        assert child.stdout  # noqa: S101
        assert child.stderr  # noqa: S101
        with contextlib.suppress(BrokenPipeError):
            child.stdin.write(json.dumps(self._request).encode() + b"\n")
            child.stdin.close()
        with selectors.DefaultSelector() as selector:
            selector.register(child.stdout, selectors.EVENT_READ, self._hear)
            selector.register(child.stderr, selectors.EVENT_READ, self._keep)
            while selector.get_map() and self._answer is None:
                if time.monotonic() - self._started > self._allowed:
                    raise failures.out_of_time(self._name, self._allowed)
                for key, _ in selector.select(_TICK_SECONDS):
                    data = os.read(key.fd, 1 << 16)
                    if not data:
                        selector.unregister(key.fileobj)
                    key.data(data)
                progress(self._fraction)

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
            if kind == "opened":
                self._allowed = time.monotonic() - self._started + self._limits.deadline(int(value))
            elif kind == "progress":
                self._fraction = min(1.0, max(self._fraction, float(value)))
            elif kind == "done":
                self._answer = SceneInfo.model_validate(value)
            elif kind == "failed":
                self._answer = Reason.model_validate(value)

    def _result(self, code: int) -> SceneInfo:
        answer = self._answer
        if isinstance(answer, SceneInfo):
            return answer
        if isinstance(answer, Reason):
            raise VedetteError(answer.code, answer.message, answer.remedy, retryable=answer.retryable)
        if code == -signal.SIGKILL:
            raise failures.killed(self._name, self._limits)
        if code == -signal.SIGXCPU:
            raise failures.out_of_time(self._name, self._limits.seconds)
        if b"MemoryError" in self.stderr or b"Cannot allocate memory" in self.stderr or b"bad_alloc" in self.stderr:
            raise failures.out_of_memory(self._name, self._limits)
        how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        raise failures.decoder_died(self._name, how)


def _environment(folder: Path) -> dict[str, str]:
    """All that the child sees of ours: no credentials, no proxy, no home."""
    return {
        "PYTHONPATH": str(_ROOT),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUNBUFFERED": "1",
        "TMPDIR": str(folder),
        "HOME": str(folder),
        "LC_ALL": "C.UTF-8",
        "GDAL_SKIP": unwanted_drivers(),
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        "MALLOC_ARENA_MAX": "4",
    }


def _stop(child: subprocess.Popen[bytes]) -> None:
    """Kill the child's whole session (it leads one) and reap it."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()
    for stream in (child.stdin, child.stdout, child.stderr):
        if stream:
            with contextlib.suppress(BrokenPipeError):
                stream.close()
