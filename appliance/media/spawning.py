"""Start decoding processes: the parent's side of nursery.py. One `Nursery` per worker; safe to share between threads."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from threading import Lock
from types import TracebackType

from appliance.media.confine import unwanted_drivers

_ROOT = Path(__file__).resolve().parents[2]


class Nursery:
    """Starts its process at the first request, and again should it ever die."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._socket: socket.socket | None = None

    def __enter__(self) -> Nursery:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def spawn(self, stdin: int, stdout: int, stderr: int) -> None:
        """A new decoding process on these pipes, which stay the caller's to close."""
        with self._lock:
            for attempt in (1, 2):
                control = self._running()
                try:
                    socket.send_fds(control, [b"1"], [stdin, stdout, stderr])
                    return
                except OSError:
                    self._end()
                    if attempt == 2:
                        raise

    def close(self) -> None:
        with self._lock:
            self._end()

    def _running(self) -> socket.socket:
        if self._process is None or self._process.poll() is not None or self._socket is None:
            self._end()
            ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            with theirs:
                self._process = subprocess.Popen(
                    [sys.executable, "-P", "-m", "appliance.media.nursery"],
                    stdin=theirs.fileno(),
                    stdout=subprocess.DEVNULL,
                    cwd="/",
                    env=_environment(),
                )
            self._socket = ours
        return self._socket

    def _end(self) -> None:
        if self._socket is not None:
            self._socket.close()
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(signal.SIGTERM)
            self._process.wait()
        self._socket = self._process = None


def _environment() -> dict[str, str]:
    """All that a decoding process ever sees of ours: no credentials, no proxy, no home."""
    return {
        "PYTHONPATH": str(_ROOT),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PATH": os.defpath,
        "LC_ALL": "C.UTF-8",
        "GDAL_SKIP": unwanted_drivers(),
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        "MALLOC_ARENA_MAX": "4",
    }
