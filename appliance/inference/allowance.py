"""What a worker with these settings lets a backend use. Called by worker.py and by the Jobs, whose engines workers are to find."""

from __future__ import annotations

from appliance.clients.settings import WorkSettings
from appliance.inference.backends.base import Allowance
from appliance.inference.options import PredictOptions


def of_worker(settings: WorkSettings) -> Allowance:
    """Runs share batches only where there are several at once."""
    own = PredictOptions().batch_size
    largest = max(own, settings.batch_tiles) if settings.concurrency > 1 else own
    return Allowance(settings.threads, largest, settings.device_memory_bytes)
