"""What every root file system has: the user that programs run as, and the folders that a pod mounts over. Called by debian.py and programs.py."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from images.layers import UID, Attributes

_FILES: Mapping[str, str] = {
    "etc/passwd": f"root:x:0:0:root:/:/nologin\nvedette:x:{UID}:{UID}:Vedette:/tmp:/nologin\n",
    "etc/group": f"root:x:0:\nvedette:x:{UID}:\n",
    "etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
}
OWNED: Mapping[str, Attributes] = {
    "tmp": Attributes(0o1777),
    "var/lib/vedette": Attributes(0o755, UID),
}


def fill(stage: Path) -> None:
    """Over whatever packages brought."""
    for name, content in _FILES.items():
        (stage / name).parent.mkdir(parents=True, exist_ok=True)
        (stage / name).write_text(content)
    for name in ("tmp", "var/lib/vedette", "proc", "sys", "dev", "etc", "run"):
        (stage / name).mkdir(parents=True, exist_ok=True)
