"""When a pre-signed address says it was signed, and how long it lasts. Pure. Used by objectstore.py.

Every process that signs the same request within the same window of time makes the same address, without asking another:
caches and comparisons work. One signed in the window before goes on until it has lasted as long as was promised.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

_LONGEST_WINDOW = timedelta(hours=1)
_LONGEST = timedelta(days=7)
"""What S3 allows (Signature Version 4, X-Amz-Expires)."""


class Signing(NamedTuple):
    signed_at: datetime
    lifetime: timedelta


def signing(at: datetime, promised: timedelta) -> Signing:
    """`promised` from `at`, wherever in its window that lies; a window is as long as what is promised, an hour at most.

    Of more than six days and 23 hours up to an hour is missing. A clock that is ahead by less than a window signs no time
    that the store has not reached, unless the window has just begun; S3 forgives a quarter of an hour.
    """
    window = min(promised, _LONGEST_WINDOW)
    seconds = max(1, int(window.total_seconds()))
    signed_at = datetime.fromtimestamp(at.timestamp() // seconds * seconds, UTC)
    return Signing(signed_at, min(promised + timedelta(seconds=seconds), _LONGEST))
