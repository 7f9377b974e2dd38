"""Opaque cursors of lists: where the page before ended. Called by storage modules."""

from __future__ import annotations

import base64
import binascii
import json
from uuid import UUID

from appliance.contracts.errors import Code, VedetteError


def encode(*position: str | int) -> str:
    return base64.urlsafe_b64encode(json.dumps(position, separators=(",", ":")).encode()).decode().rstrip("=")


def decode(cursor: str, *kinds: type) -> tuple[str | int, ...]:
    """Raises VedetteError(INVALID) when it is not a cursor of such a list."""
    try:
        position = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (binascii.Error, ValueError) as error:
        raise _wrong() from error
    if not isinstance(position, list) or [type(part) for part in position] != list(kinds):
        raise _wrong()
    return tuple(position)


def uuid(part: str | int) -> UUID:
    """Raises VedetteError(INVALID) when that part of a cursor is no UUID."""
    try:
        return UUID(str(part))
    except ValueError as error:
        raise _wrong() from error


def _wrong() -> VedetteError:
    return VedetteError(Code.INVALID, "The cursor is not one of this list.", "Start again without a cursor.")
