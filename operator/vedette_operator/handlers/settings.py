"""How kopf behaves: it watches, and writes nothing. Used by main.py."""

from __future__ import annotations

from typing import Any

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
    made.persistence.diffbase_storage = _NothingKept()
    return made


class _NothingKept(kopf.DiffBaseStorage):
    """For handlers of changes kopf copies every object to compare it later; there are none, and it would copy all the same."""

    def build(self, *, body: kopf.Body, extra_fields: Any = None) -> kopf.BodyEssence:  # noqa: ARG002
        return kopf.BodyEssence({})

    def fetch(self, *, body: kopf.Body) -> kopf.BodyEssence | None:  # noqa: ARG002
        return None

    def store(self, *, body: kopf.Body, patch: kopf.Patch, essence: kopf.BodyEssence) -> None:
        """Nowhere."""
