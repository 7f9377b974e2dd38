"""Fetch the labelled scenes of the demo: NEON aerial images from the `deepforest` package, checked by digest.

Run by `make demo`, `make demo-model` and tests: `.venv/bin/python scripts/fetch_data.py` prints the folder they lie in,
`${XDG_CACHE_HOME:-~/.cache}/vedette/data/deepforest-2.1.0`. Nothing is fetched when it is already there and whole.
The images are the National Ecological Observatory Network's; the package declares the MIT licence.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

PACKAGE = "deepforest==2.1.0"
FOLDER = "deepforest-2.1.0"
FILES = {
    "2019_YELL_2_528000_4978000_image_crop2.png": "a9bdb0f4447fdd899d22f567e0e20ba8320c5413b2ad0cd0ac8d9f3b6e0f9767",
    "2019_YELL_2_541000_4977000_image_crop.png": "178e58a23cc2642226a364a30f71bd9258ddc1b012c826f12250914a90c7a131",
    "2019_YELL_2_528000_4978000_image_crop2.xml": "bd431af6a5086d721eb731b22f5ea28cd8a8eab06883efc1c665391acbc68e11",
    "2019_YELL_2_541000_4977000_image_crop.xml": "cefe4b96888bacbf8af1674f000082e549aa707aa6590d545effb23e43f26631",
    "OSBS_029.tif": "8521dbb5e8063d37d61895867dfcca7476491d1345103dc1b3fd96f71b186353",
    "OSBS_029.csv": "83ecd1fb6339eb0997c5a543300295fdd6e0d23c943f50429eb82d149905adba",
    "SOAP_061.png": "256508f1a62149bec4a80879077a865caf50e8cace095e6564c76befa480d424",
    "SOAP_061.xml": "4833280af75fd9c47965a93e38945282835e9e725cac412bdb9469d63480947c",
    "testfile_multi.csv": "f334c424bb3ad6eaec7ef245b80e038e401875d18b13bc280200038075d215f5",
}


class FetchError(Exception):
    """The data could not be had; the message says what to do."""


def folder() -> Path:
    return _cache() / "data" / FOLDER


def whole(target: Path) -> bool:
    """Whether every file is there with its pinned digest."""
    return all((target / name).is_file() and _sha256(target / name) == wanted for name, wanted in FILES.items())


def fetch() -> Path:
    """The folder, filled. Raises FetchError when the package cannot be had or is not what was pinned."""
    target = folder()
    if whole(target):
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".fetch-") as name:
        unpacked = Path(name) / "package"
        _install(unpacked)
        ready = Path(name) / "ready"
        ready.mkdir()
        for file, wanted in FILES.items():
            source = unpacked / "deepforest" / "data" / file
            if not source.is_file() or _sha256(source) != wanted:
                raise FetchError(f"{PACKAGE} does not hold the {file} that was pinned. Its content has changed.")
            shutil.copyfile(source, ready / file)
        if target.exists():
            shutil.rmtree(target)
        ready.rename(target)
    return target


def _install(unpacked: Path) -> None:
    """Unpack the wheel by uv, from the path or where set-up put it (scripts/lib.sh); else by this Python's pip."""
    set_up = _cache() / "uv" / "bin" / "uv"
    uv = shutil.which("uv") or (str(set_up) if set_up.is_file() else None)
    arguments = ["--quiet", "--no-deps", "--target", str(unpacked), PACKAGE]
    if uv:
        command = [uv, "pip", "install", "--python", sys.executable, *arguments]
    else:
        command = [sys.executable, "-m", "pip", "install", "--disable-pip-version-check", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=900, check=False)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise FetchError(f"{PACKAGE} could not be fetched: {last}. A package index must be within reach.")


def _cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "vedette"


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


if __name__ == "__main__":
    try:
        print(fetch())
    except FetchError as error:
        sys.exit(f"fetch_data: {error}")
