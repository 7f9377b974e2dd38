"""How long each fault took to heal: measured here, printed by conftest.py at the end."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

MEASURED: dict[str, float] = {}


@contextmanager
def healing(fault: str) -> Iterator[None]:
    """From the fault, which happened just before, to the end of the block."""
    began = time.monotonic()
    yield
    MEASURED[fault] = time.monotonic() - began
