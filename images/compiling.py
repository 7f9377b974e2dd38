"""Runs an image's own interpreter on this machine, with the image's own libraries, to compile what it will run. Called by debian.py, python.py, product.py."""

from __future__ import annotations

import platform
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from images.commands import run

SHARES = 2
"""Of the files, to processes of their own. A constant, not this machine's cores: the result depends on it."""
_SCRIPT = Path(__file__).with_name("compile.py")
_REMEDY = "Look at what the interpreter said; `make images FRESH=1` unpacks Debian's packages anew."
VERSION = "3.11"


def standard_library(root: Path) -> None:
    """Of a root file system; nothing when it has no Python."""
    if (root / f"usr/bin/python{VERSION}").exists():
        below(root / f"usr/lib/python{VERSION}", root, interpreter=root)


def below(folder: Path, root: Path, *, interpreter: Path) -> None:
    """Compile all Python files in `folder`, which will be at its place below `root`; `interpreter` is a root with Python."""
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda share: _share(folder, root, interpreter, share), range(SHARES)))


def _share(folder: Path, root: Path, interpreter: Path, share: int) -> None:
    libraries = f"{platform.machine()}-linux-gnu"
    path = ":".join(str(interpreter / place / libraries) for place in ("lib", "usr/lib"))
    loader = next((interpreter / "lib" / libraries).glob("ld-linux-*.so.*"))
    command = [
        str(loader),
        "--library-path",
        path,
        str(interpreter / f"usr/bin/python{VERSION}"),
        "-S",
        "-s",
        str(_SCRIPT),
    ]
    # Hashes of strings order the sets in compiled code, and so its bytes.
    environment = {
        "PYTHONHOME": str(interpreter / "usr"),
        "PYTHONHASHSEED": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
        "LC_ALL": "C.UTF-8",
    }
    run(
        [*command, str(folder), str(root), str(share), str(SHARES)],
        "Python files could not be compiled",
        _REMEDY,
        environment=environment,
    )
