"""Write the files of a cluster so that nobody else on the machine can read them. Used by control.py and nodes.py."""

from __future__ import annotations

import os
from pathlib import Path

from tests.cluster.pki import Pair


def private_folder(path: Path) -> Path:
    """Make it, with its parents, for its owner alone."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def write(path: Path, content: str | bytes) -> Path:
    """Whole or not at all, mode 0600."""
    private_folder(path.parent)
    unfinished = path.with_name(path.name + ".new")
    unfinished.unlink(missing_ok=True)
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content.encode() if isinstance(content, str) else content)
    return unfinished.replace(path)


def write_pair(folder: Path, name: str, pair: Pair) -> None:
    """`name.key` and `name.crt`."""
    write(folder / f"{name}.key", pair.key)
    write(folder / f"{name}.crt", pair.certificate)
