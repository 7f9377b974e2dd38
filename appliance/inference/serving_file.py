"""Reads the file that VEDETTE_WORK_SERVING names, once, when a worker starts. Called by worker.py."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from appliance.contracts.errors import Code, VedetteError
from appliance.contracts.serving import Serving
from appliance.inference import served_as
from appliance.inference.served_as import ServedAs

_LIMIT_BYTES = 4 << 20
"""A ConfigMap holds at most 1 MiB; what it holds may be written with more escapes here."""


def read(path: Path | None) -> ServedAs:
    """Nothing changed where there is no path. Raises VedetteError(NOT_FOUND | TOO_LARGE | INVALID) in one sentence."""
    if path is None:
        return ServedAs()
    try:
        with path.open("rb") as file:
            data = file.read(_LIMIT_BYTES + 1)
    except OSError as error:
        message = f"The serving file {path} cannot be read: {error.strerror}."
        raise VedetteError(Code.NOT_FOUND, message, "Correct VEDETTE_WORK_SERVING.") from error
    if len(data) > _LIMIT_BYTES:
        raise VedetteError(Code.TOO_LARGE, f"The serving file {path} is larger than 4 MiB.", "Simplify the geofence.")
    try:
        return served_as.checked(Serving.model_validate_json(data))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        message = f"The serving file {path} is not one: {where}: {first['msg']}."
        raise VedetteError(Code.INVALID, message, "Correct that field of the detector.") from error
