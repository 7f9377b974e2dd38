"""The file in which the supervisor says what runs. Written by main.py, read by status.py.

A disk that is full must not end what still runs on it: a status that cannot be written is written as soon as it can be.
"""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

from appliance.contracts.machine import Status
from appliance.standalone.credentials import write_private

_AGAIN_SECONDS = 0.5


class StatusFile:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._unwritten: Status | None = None

    def write(self, status: Status) -> None:
        """Now, or by `keep` when there is room."""
        self._unwritten = status
        with contextlib.suppress(OSError):
            write_private(self._path, status.model_dump_json())
            self._unwritten = None

    async def keep(self) -> None:
        """Until cancelled: write what could not be written."""
        while True:
            await asyncio.sleep(_AGAIN_SECONDS)
            if self._unwritten is not None:
                self.write(self._unwritten)
