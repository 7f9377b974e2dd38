"""Layers of Debian packages, unpacked and not installed: no maintainer script runs, so no shell is needed. Called by catalogue.py.

mmdebstrap finds and checks the packages, from the mirror that it knows by itself. What is kept of them is said here.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from images import compiling, skeleton
from images.commands import run
from images.layers import Owned, Recipe
from images.store import key_of

RELEASE = "bookworm"
_HERE = Path(__file__).parent
_REMEDY = (
    "Run scripts/setup.sh cluster, which installs mmdebstrap, and see that this machine reaches its Debian mirror."
)


@dataclass(frozen=True)
class Packages:
    """`names` and what they depend on, but for `without`; `drop` are patterns of paths that go, `links` and `files` come."""

    names: Sequence[str]
    without: Sequence[str] = ()
    drop: Sequence[str] = ()
    links: Sequence[tuple[str, str]] = ()
    files: Sequence[tuple[str, str]] = ()
    owned: Owned = field(default_factory=dict)


def layer(name: str, packages: Packages) -> Recipe:
    """A whole root file system. Made anew only when the recipe changes or somebody asks for it, not when the mirror does."""
    own = [_HERE / file for file in ("debian.py", "skeleton.py", "compiling.py", "compile.py", "layers.py")]
    key = key_of(name, packages, RELEASE, *own)
    return Recipe(name, key, lambda stage: _fill(stage, packages), {**skeleton.OWNED, **packages.owned})


def _fill(stage: Path, packages: Packages) -> None:
    downloads = stage.with_name(stage.name + "-packages")
    try:
        _unpack(_download(downloads, packages.names), stage, packages.without)
    finally:
        shutil.rmtree(downloads, ignore_errors=True)
    for pattern in packages.drop:
        remove(stage, pattern)
    for link, target in packages.links:
        (stage / link).parent.mkdir(parents=True, exist_ok=True)
        (stage / link).symlink_to(target)
    for name, content in packages.files:
        (stage / name).write_text(content)
    skeleton.fill(stage)
    for path in packages.owned:
        (stage / path).mkdir(parents=True, exist_ok=True)
    compiling.standard_library(stage)


def _download(folder: Path, names: Sequence[str]) -> list[Path]:
    command = ["mmdebstrap", "--quiet", "--variant=extract", "--skip=cleanup/apt", f"--include={','.join(names)}"]
    run([*command, RELEASE, str(folder)], "Debian's packages could not be had", _REMEDY)
    return sorted((folder / "var/cache/apt/archives").glob("*.deb"))


def _unpack(archives: Sequence[Path], stage: Path, without: Sequence[str]) -> None:
    """With a note of each package's version where scanners of images look for it."""
    notes = stage / "var/lib/dpkg/status.d"
    notes.mkdir(parents=True)
    for archive in archives:
        package = archive.name.split("_")[0]
        if package not in without:
            run(["dpkg-deb", "--extract", str(archive), str(stage)], f"{archive.name} does not unpack", _REMEDY)
            (notes / package).write_text(run(["dpkg-deb", "--field", str(archive)], archive.name, _REMEDY))


def remove(stage: Path, pattern: str) -> None:
    """Files, links and whole folders."""
    for path in sorted(stage.glob(pattern)):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
