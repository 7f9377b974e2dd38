"""A folder becomes a layer: a tar whose bytes depend on nothing but names, kinds, modes and content. Called by build.py.

Everything belongs to root, so that a program cannot change what it runs, but for what `owned` says.
"""

from __future__ import annotations

import os
import stat
import tarfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from images.store import HashingFile

UID = 10001
_BUFFER = 1 << 20


@dataclass(frozen=True)
class Attributes:
    mode: int
    uid: int = 0


Owned = Mapping[str, Attributes]
"""Of paths, relative to the root, that are not root's own."""


@dataclass(frozen=True)
class Recipe:
    """How a layer comes about. `key` changes whenever what `fill` puts into the stage would."""

    name: str
    key: str
    fill: Callable[[Path], None]
    owned: Owned = field(default_factory=dict)


def write_layer(stage: Path, owned: Owned, epoch: int, target: HashingFile) -> None:
    """`epoch` is the time of every entry, in seconds."""
    with tar_stream(target, tarfile.PAX_FORMAT) as tar:
        for path in _sorted(stage):
            entry = _entry(path, path.relative_to(stage).as_posix(), owned, epoch)
            if entry.isreg():
                with path.open("rb") as content:
                    tar.addfile(entry, content)
            else:
                tar.addfile(entry)


def tar_stream(target: object, kind: int) -> tarfile.TarFile:
    """A tar that is written to what can only be written to, copying files in pieces that suit large ones."""
    return tarfile.open(fileobj=target, mode="w|", format=kind, bufsize=_BUFFER, copybufsize=_BUFFER)  # type: ignore[call-overload, no-any-return]


def _sorted(folder: Path) -> Iterator[Path]:
    """All below, each folder before what is in it, by name."""
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        yield Path(entry.path)
        if entry.is_dir(follow_symlinks=False):
            yield from _sorted(Path(entry.path))


def _entry(path: Path, name: str, owned: Owned, epoch: int) -> tarfile.TarInfo:
    state = path.lstat()
    entry = tarfile.TarInfo(name)
    entry.mtime = epoch
    if stat.S_ISLNK(state.st_mode):
        entry.type, entry.linkname, entry.mode = tarfile.SYMTYPE, str(path.readlink()), 0o777
    elif stat.S_ISDIR(state.st_mode):
        entry.type, entry.mode = tarfile.DIRTYPE, 0o755
    else:
        entry.size = state.st_size
        entry.mode = 0o755 if state.st_mode & stat.S_IXUSR else 0o644
    if name in owned:
        entry.mode, entry.uid = owned[name].mode, owned[name].uid
        entry.gid = entry.uid
    return entry
