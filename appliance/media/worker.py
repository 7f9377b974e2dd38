"""The media worker process: `python -m appliance.media.worker`. Started and restarted by `vedette up` or Kubernetes.

Reads VEDETTE_STORE_*, VEDETTE_NATS_*, VEDETTE_WORK_* and VEDETTE_MEDIA_*. Any number may run. SIGTERM hands unfinished
work back to the queue and leaves no file behind.
"""

from __future__ import annotations

import asyncio
import os
import sys

from appliance.clients import worker_process
from appliance.clients.presence import Doing
from appliance.clients.worker_process import Surroundings
from appliance.contracts.messages import MEDIA_STREAM, MEDIA_SUBJECTS
from appliance.contracts.worker import WorkerKind
from appliance.media.handler import MediaHandler
from appliance.media.metrics import MediaMetrics
from appliance.media.settings import MediaSettings
from appliance.media.spawning import Nursery

DURABLE = "media-workers"


async def serve(given: Surroundings) -> None:
    """Take work until cancelled."""
    nursery, work = Nursery(), given.settings
    limits = MediaSettings().limits(work.concurrency, work.threads, len(os.sched_getaffinity(0)))
    handler = MediaHandler(given.messaging, given.store, given.folder, limits, nursery, given.presence.changed)
    handler.metrics = MediaMetrics(given.registry)
    given.presence.doing = lambda: Doing(busy_with=tuple(handler.busy))
    try:
        await given.messaging.work(MEDIA_STREAM, MEDIA_SUBJECTS, DURABLE, handler, work.concurrency)
    finally:
        await asyncio.to_thread(nursery.close)


if __name__ == "__main__":
    sys.exit(worker_process.run(WorkerKind.MEDIA, serve))
