"""Which code trains: the package's version, and the commit where it runs from a checkout. Called by job.py."""

from __future__ import annotations

import subprocess
from importlib import metadata
from pathlib import Path


def code_version() -> str:
    """For example `vedette 0.1.0, commit 0123abc…`; the commit is left out where there is no checkout or no git."""
    version = f"vedette {metadata.version('vedette')}"
    checkout = Path(__file__).resolve().parents[2]
    if not (checkout / ".git").exists():
        return version
    try:
        told = subprocess.run(
            ["git", "-C", str(checkout), "rev-parse", "HEAD"], capture_output=True, text=True, timeout=10, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return version
    return f"{version}, commit {told.stdout.strip()}"
