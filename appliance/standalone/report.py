"""What the supervisor tells whoever started it: parts as they change, then that all is ready, or why it is not.

As objects within one process, as lines of JSON between two (detach.py).
"""

from __future__ import annotations

from collections.abc import Callable

from pydantic import BaseModel, ConfigDict

from appliance.contracts.errors import Reason
from appliance.standalone.status import PartStatus


class Ready(BaseModel):
    """`link` signs an administrator in, once; empty where no API runs."""

    model_config = ConfigDict(frozen=True)
    url: str
    link: str


class Progress(BaseModel):
    """One of the three."""

    model_config = ConfigDict(frozen=True)
    part: PartStatus | None = None
    ready: Ready | None = None
    failed: Reason | None = None


Report = Callable[[Progress], None]
