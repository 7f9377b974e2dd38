"""Where finished bands are kept so that a run that was cut short goes on. Knows bytes and band numbers only.

`predict_scene` asks `load(0)`, `load(1)`, ... until the first None, takes those bands as done, and calls `save(band)` for
each further one, from one thread, in order. What it stores carries a fingerprint of scene, package and options: bytes
saved under other ones are ignored. A detector worker keeps them in the object store (inference/worker*.py).
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol


class Checkpoints(Protocol):
    def load(self, band: int) -> bytes | None:
        """The bytes saved for the band, or None."""
        ...

    def save(self, band: int, data: bytes) -> None:
        """Keep the bytes; replaces what was there. Complete or not at all."""
        ...


class FolderCheckpoints:
    """One file per band in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def _path(self, band: int) -> Path:
        return self._folder / f"{band:06d}.parquet"

    def load(self, band: int) -> bytes | None:
        try:
            return self._path(band).read_bytes()
        except FileNotFoundError:
            return None

    def save(self, band: int, data: bytes) -> None:
        partial = self._path(band).with_suffix(".partial")
        partial.write_bytes(data)
        partial.replace(self._path(band))
