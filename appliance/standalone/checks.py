"""Is the data folder one we may use, and is there room? Asked before anything starts."""

from __future__ import annotations

import shutil

from appliance.contracts.errors import Code, VedetteError
from appliance.standalone.layout import DataFolder

LEAST_FREE_BYTES = 1 << 30


def use_folder(data: DataFolder) -> None:
    """Make it, private to its owner. Raises VedetteError(INVALID) when it holds something else or may not be written."""
    remedy = "Name another folder with --data."
    try:
        data.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        foreign = not data.state.exists() and {path.name for path in data.path.iterdir()} - _FIRST_FILES
        if foreign:
            message = f"{data.path} holds other files, {min(foreign)} for one, and no data of Vedette."
            raise VedetteError(Code.INVALID, message, remedy)
        data.path.chmod(0o700)
        data.logs.mkdir(mode=0o700, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise VedetteError(Code.INVALID, f"{data.path} is not a folder.", remedy) from error
    except OSError as error:
        raise VedetteError(Code.INVALID, f"{data.path} cannot be used: {error.strerror}.", remedy) from error


_FIRST_FILES = {"lock", "logs"}
"""What a start that failed early may have left."""


def require_room(data: DataFolder) -> None:
    """Raises VedetteError(DISK) when the disk is nearly full: databases do not like to find out by themselves."""
    free = shutil.disk_usage(data.path).free
    if free < LEAST_FREE_BYTES:
        raise VedetteError(
            Code.DISK,
            f"Only {free / 1e9:.1f} GB are free on the disk of {data.path}.",
            f"Free at least {LEAST_FREE_BYTES / 1e9:.1f} GB, or name a folder on another disk with --data.",
        )
