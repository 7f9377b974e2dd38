"""How kopf behaves: it watches, and writes nothing. Used by main.py."""

from __future__ import annotations

import kopf

_WATCH_SECONDS = 300
"""The API server ends a watch after this; one that has gone deaf without a word is begun again a little later."""


def settings() -> kopf.OperatorSettings:
    made = kopf.OperatorSettings()
    made.peering.standalone = True  # who acts is decided by our Lease
    made.posting.enabled = False  # events are ours, and read like sentences
    made.scanning.disabled = True  # the kinds are known, and looking for others needs rights in the whole cluster
    made.watching.server_timeout = _WATCH_SECONDS
    made.watching.client_timeout = _WATCH_SECONDS + 30
    made.watching.connect_timeout = 5
    made.watching.reconnect_backoff = 0.5
    made.networking.request_timeout = 30
    made.networking.error_backoffs = [0.5, 1, 2, 5]
    made.queueing.exit_timeout = 1
    return made
