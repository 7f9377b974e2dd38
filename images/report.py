"""What a build tells: a table of sizes for people, a values file for the chart. Called by __main__.py and by tests."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from appliance.contracts.errors import Code, VedetteError
from images.archive import Reference
from images.build import Built, values
from images.catalogue import Image

_HEAD = "# Written by `make images`: which images the chart installs.\n"


def table(built: Sequence[Built]) -> str:
    """One line per image: its size in all, then its layers; sizes in millions of bytes, not compressed. What layers that
    images share take on disk counts once, in the last line."""
    lines = [f"{'image':<12} {'MB':>8}  layers"]
    for image in built:
        layers = " + ".join(f"{name} {_megabytes(blob.size)}" for name, blob in image.layers)
        lines.append(f"{image.repository.rpartition('/')[2]:<12} {_megabytes(image.size):>8}  {layers}")
    once = {blob.digest: blob.size for image in built for _, blob in image.layers}
    lines.append(f"{'on disk':<12} {_megabytes(sum(once.values())):>8}  {len(once)} layers")
    return "\n".join(lines)


def choose(images: Sequence[Image], names: Sequence[str]) -> list[Image]:
    """VedetteError when a name is none of theirs."""
    known = [image.name for image in images]
    _require(names, known)
    return [image for image in images if image.name in (names or known)]


def write(path: Path, built: Sequence[Built]) -> None:
    """Images that are not in `built` stay in the file as they are."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".unfinished")
    unfinished.write_text(_HEAD + yaml.safe_dump({"images": {**_images(path), **values(built)}}))
    unfinished.replace(path)


def read(path: Path, names: Sequence[str], tag: str) -> list[Reference]:
    """Of the images that the file names, or of those asked for."""
    found = _images(path)
    _require(names, list(found))
    return [(found[name]["repository"], tag, found[name]["digest"]) for name in (names or sorted(found))]


def _images(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    return dict((yaml.safe_load(path.read_text()) or {}).get("images", {}))


def _require(names: Sequence[str], known: Sequence[str]) -> None:
    unknown = [name for name in names if name not in known]
    if unknown:
        there = ", ".join(sorted(known)) or "none yet"
        raise VedetteError(
            Code.NOT_FOUND, f"There is no image {', '.join(unknown)}; there are: {there}.", "Run `make images`."
        )


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.1f}"
