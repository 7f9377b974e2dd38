"""Compiles the Python files below a folder, for an interpreter that may not write. Run by the image's own interpreter.

The interpreter must not look at the sources' times, which an image does not keep: hence unchecked hashes. The files are
taken in order and by one process each share, because what `marshal` writes depends on what it saw before.
"""

from __future__ import annotations

import os
import py_compile
import sys
import warnings
from pathlib import Path


def compile_share(folder: str, root: str, share: int, shares: int) -> None:
    """Paths within the compiled code are those below `root`."""
    warnings.simplefilter("ignore")
    for number, path in enumerate(sorted(_sources(folder))):
        if number % shares == share:
            try:
                py_compile.compile(
                    path,
                    dfile="/" + os.path.relpath(path, root),
                    doraise=True,
                    invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
                )
            except (py_compile.PyCompileError, UnicodeDecodeError):
                continue  # a template or an example of a fault: nobody imports it


def _sources(folder: str) -> list[str]:
    return [str(path) for path in Path(folder).rglob("*.py") if path.is_file()]


if __name__ == "__main__":
    compile_share(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
