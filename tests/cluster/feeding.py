"""Gives an archive to a program's standard input, without holding it in memory. Called by node.py."""

from __future__ import annotations

import contextlib
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import BinaryIO, cast

Archive = bytes | Path | Callable[[BinaryIO], None]
"""The bytes, a file with them, or what writes them as they are wanted."""


def feed(command: Sequence[str], archive: Archive, seconds: float = 600) -> tuple[int, str]:
    """The exit status and what was said of errors. What it prints besides is lost. The time is for what it does after the last byte."""
    with contextlib.ExitStack() as stack:
        said = stack.enter_context(tempfile.TemporaryFile())
        source = stack.enter_context(archive.open("rb")) if isinstance(archive, Path) else subprocess.PIPE
        process = subprocess.Popen(command, stdin=source, stdout=subprocess.DEVNULL, stderr=said)
        try:
            if not isinstance(archive, Path):
                _write(archive, cast(BinaryIO, process.stdin))
            status = process.wait(timeout=seconds)
        except BaseException:
            process.kill()
            process.wait()
            raise
        said.seek(0)
        return status, said.read().decode(errors="replace")


def _write(archive: bytes | Callable[[BinaryIO], None], target: BinaryIO) -> None:
    """A program that ends before it has read all says why by itself."""
    with contextlib.suppress(BrokenPipeError), target:
        if isinstance(archive, bytes):
            target.write(archive)
        else:
            archive(target)
