"""Builds an engine in a process of its own and reads its progress. Called by obtain.py.

Whatever the library does there, crash, hang on cancel or run out of memory, is one sentence here and never the end of the
worker that asked.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from pydantic import ValidationError

from appliance.contracts.errors import Code, Reason, VedetteError
from appliance.inference.engines.spec import Order

Progress = Callable[[str, float], None]
"""The phase, in the library's words, and how far the build is, 0 to 1."""

_SERVED = "ONNX Runtime serves the model meanwhile; build again, and if it fails again keep to ONNX Runtime."
_CANCEL_SECONDS = 2.0
_LOOK_SECONDS = 0.1


@dataclass(frozen=True)
class Built:
    plan_bytes: int
    seconds: float
    """From the start of the process to the whole plan: what telemetry counts as engine build seconds."""


def build(order: Order, progress: Progress, cancelled: Callable[[], bool]) -> Built:
    """Build `order`; its plan file is there, whole, when this returns, and is not when this raises.

    Raises VedetteError: what compile.py raises, CANCELLED within two seconds of `cancelled` saying so, UNAVAILABLE
    (retryable) where the process was ended from outside, INTERNAL where the library crashed.
    """
    began = time.monotonic()
    try:
        with tempfile.TemporaryFile() as noise:
            answer = _ask(order, progress, cancelled, noise)
    except BaseException:
        Path(order.plan).unlink(missing_ok=True)
        raise
    return Built(answer, time.monotonic() - began)


def _ask(order: Order, progress: Progress, cancelled: Callable[[], bool], noise: IO[bytes]) -> int:
    process = subprocess.Popen(
        [sys.executable, "-m", "appliance.inference.engines.child"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=noise,
        text=True,
        # Cards counted as NVML counts them, so that the engine is for the card that its key names.
        env={**os.environ, "CUDA_DEVICE_ORDER": "PCI_BUS_ID"},
        start_new_session=True,  # Ctrl-C is ours to pass on
    )
    ended = threading.Event()
    watcher = threading.Thread(target=_watch, args=(process, cancelled, ended), daemon=True)
    assert process.stdin is not None  # noqa: S101
    assert process.stdout is not None  # noqa: S101
    try:
        process.stdin.write(order.model_dump_json() + "\n")
        process.stdin.flush()
        watcher.start()
        last = _follow(process.stdout, progress)
        code = process.wait()
    except BrokenPipeError:
        last, code = {}, process.wait()
    finally:
        ended.set()
        _end(process)
        if watcher.ident is not None:
            watcher.join()
        process.stdout.close()
    return _result(order, last, code, noise, was_cancelled=cancelled())


def _follow(lines: IO[str], progress: Progress) -> dict[str, Any]:
    """Pass progress on; the last thing that was said, or nothing where the process ended in mid-sentence."""
    last: dict[str, Any] = {}
    for line in lines:
        try:
            last = json.loads(line)
        except ValueError:
            return {}
        if "phase" in last:
            progress(str(last["phase"]), float(last["fraction"]))
    return last


def _watch(process: subprocess.Popen[str], cancelled: Callable[[], bool], ended: threading.Event) -> None:
    while not ended.wait(_LOOK_SECONDS):
        if cancelled():
            _end(process)
            return


def _end(process: subprocess.Popen[str]) -> None:
    """Let it give up by itself, and end it where it does not. Safe to do twice, from two threads."""
    if process.stdin is not None:
        with contextlib.suppress(OSError):
            process.stdin.close()
    try:
        process.wait(_CANCEL_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _result(order: Order, last: dict[str, Any], code: int, noise: IO[bytes], *, was_cancelled: bool) -> int:
    if "done" in last:
        return int(last["done"])
    if was_cancelled:
        raise VedetteError(Code.CANCELLED, "The build was cancelled.", "Nothing was left; build again at any time.")
    if "failed" in last:
        try:
            reason = Reason.model_validate(last["failed"])
        except ValidationError:
            pass
        else:
            raise VedetteError(reason.code, reason.message, reason.remedy, retryable=reason.retryable)
    title, where = order.key.library.label, f" in '{last['phase']}'" if "phase" in last else ""
    if code == -signal.SIGKILL:
        text = f"The build with {title} was ended by the system{where}, as happens when memory is short."
        raise VedetteError(Code.UNAVAILABLE, text, "Free memory and build again.", retryable=True)
    how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
    said = _tail(noise)
    raise VedetteError(Code.INTERNAL, f"{title} crashed while it built the engine{where} ({how}{said}).", _SERVED)


def _tail(noise: IO[bytes]) -> str:
    noise.seek(max(0, noise.seek(0, os.SEEK_END) - 300))
    text = " ".join(noise.read().decode("utf-8", "replace").split())
    return f": {text[-200:]}" if text else ""
