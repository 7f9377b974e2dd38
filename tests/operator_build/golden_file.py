"""Compares manifests with a golden file; VEDETTE_WRITE_GOLDEN=1 writes it anew, to be read before it is committed."""

from __future__ import annotations

import os
from pathlib import Path

import yaml
from vedette_operator.build.manifest import Manifest

_FOLDER = Path(__file__).parent / "golden"


def check(name: str, *manifests: Manifest) -> None:
    path = _FOLDER / f"{name}.yaml"
    text = yaml.safe_dump_all(manifests, sort_keys=False, width=120)
    if os.environ.get("VEDETTE_WRITE_GOLDEN") == "1":
        path.write_text(text, "utf-8")
    assert text == path.read_text("utf-8")
