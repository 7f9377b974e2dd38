"""The detector worker process: `python -m appliance.inference.worker`. Started and restarted by `vedette up` or Kubernetes.

Reads VEDETTE_STORE_*, VEDETTE_NATS_* and VEDETTE_WORK_*. Any number may run; each takes what the API places on its lane, one
run at a time unless VEDETTE_WORK_CONCURRENCY says otherwise. SIGTERM hands the work back; finished bands are kept for whoever takes it next.
"""

from __future__ import annotations

import asyncio
import os
import socket
import sys

from appliance.clients import cancellation, logging, worker_process
from appliance.clients.messaging import Messaging
from appliance.clients.presence import Doing
from appliance.clients.process_memory import available_bytes
from appliance.clients.worker_process import Surroundings
from appliance.contracts.errors import VedetteError
from appliance.contracts.worker import WorkerKind
from appliance.formats.model_package import ModelPackage
from appliance.inference import allowance, serving_file, worker_packages
from appliance.inference.backends import catalogue, choice
from appliance.inference.backends.base import Allowance
from appliance.inference.backends.choice import Opened
from appliance.inference.backends.onnxruntime import usable_gpus
from appliance.inference.batching import BatchLimits
from appliance.inference.gpu_meter import GpuMeter
from appliance.inference.options import PredictOptions
from appliance.inference.worker_backends import WarmBackends
from appliance.inference.worker_metrics import DetectorMetrics, MeasuredBackend
from appliance.inference.worker_precision import Wanted
from appliance.inference.worker_run import RunHandler, Tools

_PAUSE_SECONDS = 1.0


async def serve(given: Surroundings) -> None:
    """Take work until cancelled."""
    settings = given.settings
    metrics = DetectorMetrics(given.registry, GpuMeter())
    options = PredictOptions(decode_threads=settings.threads)
    if settings.backend != catalogue.AUTO:
        catalogue.named(settings.backend)  # a worker that could do no run says so when it starts
    limits = BatchLimits(settings.batch_tiles, settings.batch_delay_milliseconds)
    within = allowance.of_worker(settings)
    served = serving_file.read(settings.serving)
    backends = WarmBackends(
        lambda package: _load(package, settings.backend, within, metrics), limits=limits, queued=metrics.queued
    )
    handler = RunHandler(
        Tools(
            name=f"{socket.gethostname()}/{os.getpid()}",
            messaging=given.messaging,
            store=given.store,
            packages=worker_packages.kept_in(settings.folder, given.store, settings.packages_url),
            backends=backends,
            folder=given.folder,
            options=served.options(options),
            served=served,
            changed=given.presence.changed,
            metrics=metrics,
            worker_id=given.presence.id,
            available_bytes=lambda: available_bytes(settings.memory_bytes),
            precision=Wanted(settings.precision, catalogue.able(settings.backend)),
        )
    )
    given.presence.doing = lambda: Doing(tuple(run for run, _ in handler.running), tuple(backends.detectors()))
    try:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(_heed_cancellations(given.messaging, handler))
            tasks.create_task(given.messaging.work_lane(given.presence.id, handler, settings.concurrency))
    finally:
        backends.close()


async def _heed_cancellations(messaging: Messaging, handler: RunHandler) -> None:
    """The bucket is watched for ever; every watch begins with all that was cancelled so far, so none is missed."""
    while True:
        cancellation.heed()
        try:
            async for cancelled in messaging.cancellations():
                handler.cancel(cancelled)
        except VedetteError as error:
            logging.get().warning("cancellations not heard", reason=str(error.reason))
        await asyncio.sleep(_PAUSE_SECONDS)


def _load(package: ModelPackage, name: str, within: Allowance, metrics: DetectorMetrics) -> Opened:
    labels = (package.manifest.name, package.manifest.version)
    with metrics.model.loading(labels):
        opened = choice.open_backend(
            name, package, within, built=lambda seconds: metrics.model.engine_built(labels, seconds)
        )
    return Opened(opened.package, MeasuredBackend(opened.backend, package.manifest, metrics))


if __name__ == "__main__":
    sys.exit(worker_process.run(WorkerKind.DETECTOR, serve, usable_gpus()))
