"""The cache of layers and manifests: blobs by their digest, and which recipe made which. Called by build.py and archive.py.

It is an OCI layout's `blobs` folder, so that nothing is copied to make an archive. Two builds may share it: files appear
whole, by a rename.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

UNUSED_SECONDS = 14 * 24 * 3600


@dataclass(frozen=True)
class Blob:
    """What lies in the store: `digest` as `sha256:...`, `size` in bytes."""

    digest: str
    size: int


class HashingFile:
    """A file that is only written to, and knows what it has taken in."""

    def __init__(self, target: IO[bytes]) -> None:
        self._target = target
        self._hash = hashlib.sha256()
        self._size = 0

    def write(self, data: bytes) -> int:
        self._hash.update(data)
        self._size += len(data)
        return self._target.write(data)

    @property
    def blob(self) -> Blob:
        return Blob(f"sha256:{self._hash.hexdigest()}", self._size)


@dataclass(frozen=True)
class Store:
    folder: Path

    def path(self, digest: str) -> Path:
        algorithm, _, name = digest.partition(":")
        return self.folder / "blobs" / algorithm / name

    @contextlib.contextmanager
    def writing(self) -> Iterator[HashingFile]:
        """What is written is a blob afterwards, its `.blob`; nothing remains when writing it failed."""
        blobs = self.folder / "blobs" / "sha256"
        blobs.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=blobs, prefix="unfinished-", delete=False) as target:
            try:
                hashing = HashingFile(target.file)
                yield hashing
                target.close()
                Path(target.name).replace(self.path(hashing.blob.digest))
            except BaseException:
                Path(target.name).unlink(missing_ok=True)
                raise

    def add(self, content: bytes) -> Blob:
        with self.writing() as target:
            target.write(content)
        return target.blob

    def made(self, key: str) -> Blob | None:
        """The layer that the recipe of this key made, when it is still here."""
        try:
            blob = Blob(**json.loads(self._note(key).read_text()))
            os.utime(self.path(blob.digest))
        except (OSError, ValueError, TypeError):
            return None
        return blob

    def remember(self, key: str, blob: Blob) -> None:
        note = self._note(key)
        note.parent.mkdir(parents=True, exist_ok=True)
        unfinished = note.with_suffix(f".{os.getpid()}")
        unfinished.write_text(json.dumps(asdict(blob)))
        unfinished.replace(note)

    @contextlib.contextmanager
    def stage(self) -> Iterator[Path]:
        """An empty folder on the cache's own file system, where wheels are linked rather than copied."""
        self.folder.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(dir=self.folder, prefix="stage-"))
        try:
            yield folder
        finally:
            shutil.rmtree(folder)

    def forget_unused(self, now: float | None = None) -> int:
        """Remove what no build has used for two weeks. Returns how many bytes that was."""
        oldest, freed = (time.time() if now is None else now) - UNUSED_SECONDS, 0
        for path in (self.folder / "blobs" / "sha256").glob("*"):
            state = path.stat()
            if state.st_mtime < oldest:
                path.unlink()
                freed += state.st_size
        return freed

    def _note(self, key: str) -> Path:
        return self.folder / "keys" / f"{key}.json"


def key_of(*parts: object) -> str:
    """A key for a recipe of these parts; a Path stands for the content of its file."""
    digest = hashlib.sha256()
    for part in parts:
        content = part.read_bytes() if isinstance(part, Path) else repr(part).encode()
        digest.update(b"%d:" % len(content) + content)
    return digest.hexdigest()
