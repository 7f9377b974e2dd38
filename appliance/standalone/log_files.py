"""One log per part: appended to by the part itself, cut when it grows, its last lines shown to people."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from datetime import datetime
from pathlib import Path
from typing import IO

LIMIT_BYTES = 8 << 20
KEPT = 3
_TAIL_BYTES = 64 << 10
_COMPLAINT = re.compile(r"\b(FATAL|PANIC|ERROR|CRITICAL)\b|\w(Error|Exception): ")


def open_for(path: Path, heading: str, at: datetime) -> IO[bytes]:
    """For a part about to start. Appending, so that what it writes after a cut begins at the start."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    stream = os.fdopen(descriptor, "ab", buffering=0)
    stream.write(f"=== {at.isoformat(timespec='seconds')} {heading}\n".encode())
    return stream


def rotate(path: Path, limit_bytes: int = LIMIT_BYTES) -> None:
    """Keep what was written as `.1`, `.2` ... and begin anew, in place: the part goes on writing to the same file."""
    if not path.exists() or path.stat().st_size < limit_bytes:
        return
    numbered = [path.with_name(f"{path.name}.{i}") for i in range(1, KEPT + 1)]
    for older, newer in zip(reversed(numbered), reversed(numbered[:-1]), strict=False):
        with contextlib.suppress(FileNotFoundError):
            newer.replace(older)
    shutil.copy2(path, numbered[0])
    os.truncate(path, 0)


def tail(path: Path, lines: int) -> list[str]:
    """The last lines, at most 64 KiB of them; none where there is no log yet."""
    try:
        with path.open("rb") as stream:
            stream.seek(max(0, path.stat().st_size - _TAIL_BYTES))
            text = stream.read().decode("utf-8", "replace")
    except FileNotFoundError:
        return []
    return text.splitlines()[-lines:] if lines else []


def last_words(path: Path) -> str:
    """The last complaint of a part, else its last line, for the sentence that tells it could not start."""
    said = [line.strip() for line in tail(path, 50) if line.strip() and not line.startswith("=== ")]
    complaints = [line for line in said if _COMPLAINT.search(line)]
    return (complaints or said or ["it said nothing"])[-1][:500]
