"""What a Job's container says when it ends, where the operator reads it (contracts/resources/reports.py). Called by Jobs."""

from __future__ import annotations

import os
from pathlib import Path

from appliance.clients import logging
from appliance.contracts.resources.reports import LIMIT_BYTES, TERMINATION_LOG

_FILE = "VEDETTE_TERMINATION_LOG"


def leave(message: str) -> None:
    """What goes beyond the limit is cut. Outside of a pod there is nowhere to leave it: then the log has it."""
    text = message.encode()[:LIMIT_BYTES].decode(errors="ignore")
    try:
        Path(os.environ.get(_FILE) or TERMINATION_LOG).write_text(text, "utf-8")
    except OSError as error:
        logging.get().warning("termination message not left", problem=str(error), message=text)
