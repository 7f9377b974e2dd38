"""Opaque cursors of lists: where the page before ended. Called by storage modules."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from appliance.contracts.errors import Code, VedetteError


def encode(*position: str | int | datetime | UUID) -> str:
    parts = [part if isinstance(part, str | int) else _text(part) for part in position]
    return base64.urlsafe_b64encode(json.dumps(parts, separators=(",", ":")).encode()).decode().rstrip("=")


def decode(cursor: str, *kinds: type) -> tuple[Any, ...]:
    """The position, one value of each kind: str, int, datetime or UUID.

    Raises VedetteError(INVALID) when it is not a cursor of such a list: cursors come from outside like everything else.
    """
    try:
        parts = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if not isinstance(parts, list):
            raise TypeError("not a list")
        return tuple(_READ[kind](part) for kind, part in zip(kinds, parts, strict=True))
    except (binascii.Error, ValueError, TypeError, RecursionError) as error:
        raise VedetteError(
            Code.INVALID, "The cursor is not one of this list.", "Start again without a cursor."
        ) from error


def _text(part: datetime | UUID) -> str:
    return part.isoformat() if isinstance(part, datetime) else str(part)


def _string(part: Any) -> str:
    if not isinstance(part, str) or not part.isprintable():
        raise TypeError("not a text")
    return part


def _integer(part: Any) -> int:
    if type(part) is not int or not -(1 << 62) < part < 1 << 62:
        raise TypeError("not a number")
    return part


def _moment(part: Any) -> datetime:
    found = datetime.fromisoformat(_string(part))
    if found.tzinfo is None:
        raise ValueError("a moment of no zone")
    return found


_READ: dict[type, Callable[[Any], Any]] = {
    str: _string,
    int: _integer,
    datetime: _moment,
    UUID: lambda part: UUID(_string(part)),
}
