"""Lists everything anew: before the first decision, after silence, and now and then. Started by main.py.

A watch that begins again after an outage tells what is there and not what has gone; this does.
"""

from __future__ import annotations

import asyncio

from appliance.clients import logging
from appliance.clients.kubernetes import Kubernetes
from appliance.clients.kubernetes_kinds import CONFIG_MAPS, DEPLOYMENTS, DETECTORS, JOBS, PODS, TRAINING_JOBS, Kind
from appliance.contracts.errors import VedetteError
from appliance.contracts.resources.base import GROUP
from vedette_operator.tracker import Tracker

OURS = f"{GROUP}/part"
"""The label that all children have."""
_LISTED: tuple[tuple[Kind, str], ...] = (
    (CONFIG_MAPS, ""),
    (DEPLOYMENTS, OURS),
    (JOBS, OURS),
    (PODS, OURS),
    (TRAINING_JOBS, ""),
    (DETECTORS, ""),
)
_EVERY_SECONDS, _SILENCE_SECONDS, _RETRY_SECONDS = 300.0, 8.0, 1.0


async def once(client: Kubernetes, tracker: Tracker) -> None:
    """Raises VedetteError."""
    for kind, labels in _LISTED:
        page = await client.list(kind, labels=labels)
        tracker.listed(kind.kind, page.items, int(page.version or 0))


async def until_done(client: Kubernetes, tracker: Tracker) -> None:
    """Waits for the API server and our CRDs."""
    while True:
        try:
            return await once(client, tracker)
        except VedetteError as error:
            logging.get().warning("waiting for the API server", problem=str(error))
            await asyncio.sleep(_RETRY_SECONDS)


async def forever(client: Kubernetes, tracker: Tracker) -> None:
    """Ends only when cancelled."""
    loop = asyncio.get_running_loop()
    done = loop.time()
    silent = False
    while True:
        await asyncio.sleep(_RETRY_SECONDS)
        now = loop.time()
        quiet = now - tracker.heard > _SILENCE_SECONDS
        if (silent and not quiet) or now - done > _EVERY_SECONDS:
            await until_done(client, tracker)
            done = loop.time()
        silent = quiet
