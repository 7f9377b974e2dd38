"""What runs now: written by the supervisor at every change, read by `vedette status`, `down` and the command line."""

from __future__ import annotations

from datetime import UTC, datetime

import psutil
from pydantic import ValidationError

from appliance.clients.process_memory import with_memory
from appliance.contracts.machine import PartState, PartStatus, Status
from appliance.standalone import lock
from appliance.standalone.layout import DataFolder

__all__ = ["PartState", "PartStatus", "Status", "now", "read"]


def read(data: DataFolder) -> Status | None:
    """The status of a living supervisor with the memory of its parts, None where none lives."""
    if not lock.is_held(data):
        return None
    try:
        found = Status.model_validate_json(data.status.read_bytes())
    except (OSError, ValidationError):  # it has only just taken the lock
        return None
    if not psutil.pid_exists(found.supervisor):
        return None
    return found.model_copy(update={"parts": tuple(with_memory(part) for part in found.parts)})


def now() -> datetime:
    return datetime.now(UTC)
