"""Whether a scene fits on the disk before it is fetched. Used by job.py."""

from __future__ import annotations

import shutil
from pathlib import Path

from appliance.media import failures

_RESERVE_BYTES = 256 << 20


def check_space(folder: Path, name: str, size_bytes: int) -> None:
    """Raises VedetteError(DISK, retryable) unless the original and about twice as much for the scene fit."""
    if shutil.disk_usage(folder).free < 3 * size_bytes + _RESERVE_BYTES:
        raise failures.disk_full(name, str(folder))
