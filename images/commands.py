"""Runs the programs that builds are made of. An end that is not well becomes one sentence and what was said last."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from appliance.contracts.errors import Code, VedetteError


def run(
    command: Sequence[str],
    what: str,
    remedy: str,
    *,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> str:
    """Returns what it printed. VedetteError when it fails or is not there."""
    try:
        done = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, check=False, errors="replace"
        )
    except FileNotFoundError:
        raise VedetteError(Code.NOT_FOUND, f"{what}: this machine has no {command[0]}.", remedy) from None
    if done.returncode != 0:
        said = (done.stderr.strip() or done.stdout.strip() or "it gave no reason")[-1500:]
        raise VedetteError(Code.UNAVAILABLE, f"{what}: {said}", remedy)
    return done.stdout
