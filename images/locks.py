"""Requirement files with hashes, taken apart and put together again. Pure. Called by python.py and programs.py."""

from __future__ import annotations

import re
from collections.abc import Collection

_NAME = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)")


def blocks(text: str) -> list[tuple[str, str]]:
    """(name, its lines) for each requirement, in order; a name appears twice where markers choose between versions."""
    found: list[tuple[str, str]] = []
    for line in text.splitlines(keepends=True):
        name = _NAME.match(line)
        if name:
            found.append((name.group(1).lower(), line))
        elif found and line.strip() and not line.startswith("#"):
            found[-1] = (found[-1][0], found[-1][1] + line)
    return found


def without(text: str, names: Collection[str]) -> str:
    return "".join(block for name, block in blocks(text) if name not in names)


def only(text: str, names: Collection[str]) -> str:
    return "".join(block for name, block in blocks(text) if name in names)
