"""When certificates are made anew, and in which order, so that at no moment the API server distrusts whoever answers. Pure.

An authority is renewed long before its end. From then on its former is trusted beside it; servers go on with what they have until
every replica and API server has heard of the new one, then take certificates from it, and later the former is forgotten.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

AUTHORITY_VALID = timedelta(days=5 * 365)
SERVER_VALID = timedelta(days=90)
HEARD = timedelta(hours=1)
"""After so long every replica has read the Secret, and every API server the authority beside its webhook."""
FORGOTTEN = timedelta(days=7)


class Step(Enum):
    """What to do next. Each is one write of the Secret."""

    KEEP = "keep"
    AUTHORITY = "a new authority, the former beside it"
    SERVER = "a new certificate for the server"
    FORGET = "forget the former authority"


@dataclass(frozen=True)
class Validity:
    begins: datetime
    ends: datetime

    def holds(self, now: datetime) -> bool:
        return self.begins <= now < self.ends

    def due(self, now: datetime) -> bool:
        """Two thirds have passed, or it has not begun: by a clock that was wrong."""
        return now >= self.begins + (self.ends - self.begins) * 2 / 3 or now < self.begins


@dataclass(frozen=True)
class Certified:
    """What there is. `hosts` of the server's certificate; `signed`: by the authority and not by its former."""

    authority: Validity
    server: Validity
    hosts: tuple[str, ...]
    signed: bool
    former: bool


def next_step(found: Certified | None, hosts: tuple[str, ...], now: datetime) -> Step:
    """One after another until KEEP. None: there is nothing, or nothing that can be read."""
    if found is None or found.authority.due(now):
        return Step.AUTHORITY
    age = now - found.authority.begins
    heard = not found.former or age >= HEARD or not found.server.holds(now)
    if found.hosts != hosts or (heard and (found.server.due(now) or not found.signed)):
        return Step.SERVER
    # Also where nobody looked for days: replicas go on with what the former signed until they hear of the new one.
    if found.former and found.signed and age >= FORGOTTEN and now - found.server.begins >= HEARD:
        return Step.FORGET
    return Step.KEEP
