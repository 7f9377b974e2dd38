"""Layers of Python packages from lock files, below /opt/vedette. Called by catalogue.py.

uv links wheels from its own cache, so a stage costs no second copy of them on disk.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from images import compiling
from images.commands import run
from images.debian import remove
from images.layers import Recipe
from images.store import key_of

HOME = "opt/vedette"
SITE = f"{HOME}/lib/python{compiling.VERSION}/site-packages"
_HERE = Path(__file__).parent
_REMEDY = "See that this machine reaches its package index and that the lock is current (`make lock`)."
UNUSED = (
    "bin",  # scripts for a shell, with this machine's paths in them
    ".lock",
    "*.dist-info/uv_cache.json",
    "**/include",  # headers and static libraries: an image has no compiler
    "**/*.a",
    "**/*.lib",
    "**/share/cmake",
    "numpy/**/tests",
    "pyarrow/tests",
    "torch/test",
)
"""Of what wheels bring: what nothing imports or opens at run time."""


def layer(name: str, lock: str, interpreter: Callable[[], Path]) -> Recipe:
    """The packages of the lock's text. `interpreter` gives the root whose Python compiles them; compiled code depends on
    its minor version only, so Debian's fixes to it do not change this layer."""
    own = [_HERE / file for file in ("python.py", "compiling.py", "compile.py", "layers.py")]
    return Recipe(name, key_of(name, lock, *own), lambda stage: _fill(stage, lock, interpreter))


def _fill(stage: Path, lock: str, interpreter: Callable[[], Path]) -> None:
    site = stage / SITE
    install(lock, site)
    for pattern in UNUSED:
        remove(site, pattern)
    compiling.below(site, stage, interpreter=interpreter())


def install(lock: str, target: Path) -> None:
    """Wheels with the hashes of this lock, for the interpreter of the images, whatever this machine's is."""
    target.mkdir(parents=True)
    requirements = target.with_name(target.name + ".txt")
    requirements.write_text(lock)
    command: Sequence[str] = (
        _uv(),
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--require-hashes",
        "-r",
        str(requirements),
    )
    where = ("--target", str(target), "--python-version", compiling.VERSION)
    run([*command, *where], "Python packages could not be installed", _REMEDY)
    requirements.unlink()


def _uv() -> str:
    """uv's path: this machine's, or the one that scripts/lib.sh put into the cache."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return shutil.which("uv") or str(cache / "vedette/uv/bin/uv")
