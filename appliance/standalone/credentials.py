"""Random credentials, each in a file of its own that only its owner may read. There is no default password."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Credentials:
    """A folder of secrets. The same name gives the same secret for as long as the folder lives."""

    folder: Path

    def secret(self, name: str) -> str:
        """40 hexadecimal digits, made on first use: 160 random bits, within the 40 characters MinIO allows."""
        path = self.folder / name
        if not path.exists():
            write_private(path, secrets.token_hex(20))
        return path.read_text("ascii").strip()


def write_private(path: Path, text: str) -> None:
    """Write a whole file that only its owner may read; readers see the old one or the new one, never half."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        unfinished.replace(path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
