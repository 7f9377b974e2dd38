"""Opaque cursors of lists: where the page before ended. Called by storage modules."""

from __future__ import annotations

import base64
import binascii
import json

from appliance.contracts.errors import Code, VedetteError


def encode(*position: str | int) -> str:
    return base64.urlsafe_b64encode(json.dumps(position, separators=(",", ":")).encode()).decode().rstrip("=")


def decode(cursor: str, *kinds: type) -> tuple[str | int, ...]:
    """Raises VedetteError(INVALID) when it is not a cursor of such a list."""
    wrong = VedetteError(Code.INVALID, "The cursor is not one of this list.", "Start again without a cursor.")
    try:
        position = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (binascii.Error, ValueError) as error:
        raise wrong from error
    if not isinstance(position, list) or [type(part) for part in position] != list(kinds):
        raise wrong
    return tuple(position)
