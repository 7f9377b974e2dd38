"""Which files a push means: files as named, folders with all they hold. Used by push.py; pure but for looking at the disk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from appliance.contracts.errors import Code, VedetteError


@dataclass(frozen=True)
class Source:
    """`name` is the item's: the file's name, or its path below the folder that was named."""

    path: Path
    name: str


def find(paths: Sequence[Path]) -> list[Source]:
    """Raises VedetteError(NOT_FOUND | EMPTY | CONFLICT) for what cannot be pushed; hidden files in folders are left out."""
    sources = [source for path in paths for source in _below(path)]
    taken: dict[str, Path] = {}
    for source in sources:
        other = taken.setdefault(source.name, source.path)
        if other != source.path:
            raise VedetteError(
                Code.CONFLICT,
                f"{other} and {source.path} would both be item {source.name}.",
                "Push them one after another.",
            )
    return list({source.path: source for source in sources}.values())


def _below(path: Path) -> list[Source]:
    if path.is_file():
        return [Source(path, path.name)]
    if not path.is_dir():
        raise VedetteError(Code.NOT_FOUND, f"There is no file {path}.", "Check the name.")
    files = sorted(
        each
        for each in path.rglob("*")
        if each.is_file() and not any(part.startswith(".") for part in each.relative_to(path).parts)
    )
    if not files:
        raise VedetteError(Code.EMPTY, f"The folder {path} holds no files.", "Name a folder with scenes.")
    return [Source(each, each.relative_to(path).as_posix()) for each in files]
