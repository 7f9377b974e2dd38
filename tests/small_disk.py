"""A disk so small that it can be filled: a tmpfs, mounted as root or by a sudo that asks nothing, as set-up uses it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_LARGEST_PIECE, _SMALLEST_PIECE = 256 << 20, 4 << 10


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[bool]:
    """A disk of `size` (as mount has it: 300k, 2g) on the folder, which is made if missing; whether it could be mounted."""
    folder.mkdir(exist_ok=True)
    options = f"size={size},mode=755,uid={os.geteuid()},gid={os.getegid()}"
    mounted = _as_root("mount", "-t", "tmpfs", "-o", options, "vedette-test", str(folder))
    try:
        yield mounted
    finally:
        if mounted:
            _as_root("umount", "--lazy", str(folder))


@contextmanager
def filled(disk: Path) -> Iterator[None]:
    """Full but for a few kilobytes, until it is left."""
    ballast = disk / "ballast"
    descriptor, size, piece = os.open(ballast, os.O_WRONLY | os.O_CREAT, 0o600), 0, _LARGEST_PIECE
    try:
        while piece >= _SMALLEST_PIECE:  # others write meanwhile, so what is free now is not known
            try:
                os.posix_fallocate(descriptor, size, piece)
                size += piece
            except OSError:
                piece //= 2
        yield
    finally:
        os.close(descriptor)
        ballast.unlink()


def _as_root(*command: str) -> bool:
    prefix = [] if os.geteuid() == 0 else ["sudo", "-n"]
    try:
        return subprocess.run([*prefix, *command], capture_output=True, check=False, timeout=20).returncode == 0
    except FileNotFoundError:
        return False
