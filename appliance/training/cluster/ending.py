"""How a trainer ends: its exit code and the message that the operator reads from the pod. Called by __main__.py and nodes.py.

0    done; the message is a TrainingReport
1    the surroundings failed (store, network, another pod): the same again may succeed
64   the task cannot succeed as it is (EX_USAGE of sysexits.h): a podFailurePolicy should fail the Job at once
143  told to stop (SIGTERM); a checkpoint was stored if training had begun
"""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

from appliance.contracts.errors import Code, VedetteError
from appliance.contracts.resources.reports import LIMIT_BYTES

AGAIN, USELESS, STOPPED = 1, 64, 143
_SURROUNDINGS = {Code.STORE, Code.DISK, Code.UNAVAILABLE, Code.INTERNAL}


def code_of(error: VedetteError) -> int:
    if error.reason.code is Code.CANCELLED:
        return STOPPED
    return AGAIN if error.reason.retryable or error.reason.code in _SURROUNDINGS else USELESS


def say(path: Path, message: str) -> None:
    """Where there is no such file (no kubelet made it) nobody reads it: the log has it too."""
    with contextlib.suppress(OSError):
        path.write_bytes(message.encode()[:LIMIT_BYTES])


class Stop:
    """SIGTERM and SIGINT: heeded at the next step while the loop runs (`patiently`), and at once at all other times."""

    def __init__(self) -> None:
        self._asked, self._patient = False, False

    def asked(self) -> bool:
        return self._asked

    def listen(self) -> None:
        for each in (signal.SIGTERM, signal.SIGINT):
            signal.signal(each, self._heed)

    def _heed(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002
        self._asked = True
        if not self._patient:
            raise _stopped()

    @contextlib.contextmanager
    def patiently(self) -> Iterator[None]:
        self._patient = True
        try:
            yield
        finally:
            self._patient = False
        if self._asked:
            raise _stopped()


def _stopped() -> VedetteError:
    return VedetteError(Code.CANCELLED, "Training was stopped.", "It goes on from its last checkpoint.")
