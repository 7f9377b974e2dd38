"""How a trainer ends: the exit code of what stopped it, and when it heeds that it is to stop. Called by __main__.py.

BROKE stands for whatever in the surroundings may come right (store, network, another pod). STOPPED: a checkpoint was stored if
training had begun.
"""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from types import FrameType

from appliance.contracts.errors import Code, VedetteError
from appliance.contracts.resources.reports import BROKE, HOPELESS, STOPPED

_SURROUNDINGS = {Code.STORE, Code.DISK, Code.UNAVAILABLE, Code.INTERNAL}


def code_of(error: VedetteError) -> int:
    if error.reason.code is Code.CANCELLED:
        return STOPPED
    return BROKE if error.reason.retryable or error.reason.code in _SURROUNDINGS else HOPELESS


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
