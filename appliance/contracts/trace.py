"""The one id that follows work from upload to detection: the trace id of W3C Trace Context (level 1). Pure.

Made where work enters (the API) or taken from the caller's `traceparent`; carried by messages as the same header.
"""

from __future__ import annotations

import re
import secrets
from typing import Annotated

from pydantic import StringConstraints

HEADER = "traceparent"

TraceId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
"""16 bytes in lower-case hexadecimal, not all zero."""

_TRACEPARENT = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?", re.ASCII)
_NOTHING = "0" * 32


def new_trace_id() -> TraceId:
    return secrets.token_hex(16)


def trace_id_of(traceparent: str | None) -> TraceId | None:
    """The trace id of a `traceparent` header; None for none, and for one that is malformed (then it is ignored).

    A version above 00 may carry more after the flags; version ff is none (W3C Trace Context, 3.2.2).
    """
    found = _TRACEPARENT.fullmatch(traceparent.strip()) if traceparent else None
    if found is None:
        return None
    version, trace_id, parent_id, _, more = found.groups()
    if version == "ff" or (version == "00" and more) or trace_id == _NOTHING or not parent_id.strip("0"):
        return None
    return trace_id


def traceparent(trace_id: TraceId, parent_id: int | None = None) -> str:
    """A header for the next hop, below the span `parent_id` (8 bytes), else with a parent id of its own; sampled."""
    parent = secrets.token_hex(8) if parent_id is None else f"{parent_id:016x}"
    return f"00-{trace_id}-{parent}-01"
