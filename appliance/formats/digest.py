"""Content digests. Used wherever something is named by what it holds."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

from appliance.contracts.base import Sha256

_CHUNK = 1 << 20


def of_bytes(data: bytes) -> Sha256:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def of_stream(stream: BinaryIO) -> Sha256:
    digest = hashlib.sha256()
    while chunk := stream.read(_CHUNK):
        digest.update(chunk)
    return f"sha256:{digest.hexdigest()}"


def of_file(path: Path) -> Sha256:
    with path.open("rb") as stream:
        return of_stream(stream)


def of_files(files: Iterable[tuple[str, Sha256]]) -> Sha256:
    """One digest over many files: sha256 of `<digest>  <name>` lines sorted by name, as `sha256sum` would print them."""
    lines = (f"{digest.removeprefix('sha256:')}  {name}\n" for name, digest in sorted(files))
    return of_bytes("".join(lines).encode())
