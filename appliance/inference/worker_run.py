"""One DetectScene from the queue: fetch the package, look at the scene, store the detections, report. Called by worker.py.

The pipeline runs in a thread, so that heartbeats, reports and cancellation go on meanwhile. Knows no database.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Event
from uuid import UUID

from pydantic import ValidationError

from appliance.clients import cancellation, logging, spans
from appliance.clients.messaging import Cancellation, Delivery, HandBack, Messaging
from appliance.clients.objectstore import ObjectStore
from appliance.clients.outage import is_outage
from appliance.contracts import keys
from appliance.contracts.base import RunId
from appliance.contracts.detection import RunSummary
from appliance.contracts.errors import Code, Reason, VedetteError
from appliance.contracts.messages import MAXIMUM_DELIVERIES, DetectScene
from appliance.inference import worker_precision
from appliance.inference.options import Hooks, PredictOptions, SceneSource
from appliance.inference.predict import predict_scene
from appliance.inference.served_as import ServedAs
from appliance.inference.worker_backends import WarmBackends
from appliance.inference.worker_checkpoints import StoreCheckpoints
from appliance.inference.worker_metrics import DetectorMetrics
from appliance.inference.worker_packages import PackageCache
from appliance.inference.worker_precision import Wanted
from appliance.inference.worker_reports import RunReporter

_PARQUET = "application/vnd.apache.parquet"
_HAND_BACK_SECONDS = 20.0


@dataclass(frozen=True)
class Tools:
    """What one worker process has, made by worker.py."""

    name: str
    messaging: Messaging
    store: ObjectStore
    packages: PackageCache
    backends: WarmBackends
    folder: Path
    options: PredictOptions
    served: ServedAs
    """What is other than the packages say; the options have it already."""
    changed: Callable[[], None]
    """Called when the worker becomes busy or free, so that it is announced at once."""
    metrics: DetectorMetrics
    worker_id: UUID
    available_bytes: Callable[[], int]
    """What a run could use now."""
    precision: Wanted
    """What models compute in."""


@dataclass
class RunHandler:
    """Handles deliveries, several at once. `running` holds a flag for each attempt; setting it cancels that."""

    tools: Tools
    running: dict[tuple[RunId, int], Event] = field(default_factory=dict)

    def cancel(self, cancellation: Cancellation) -> None:
        for (run_id, attempt), flag in self.running.items():
            if run_id == cancellation.run_id and cancellation.concerns(attempt):
                flag.set()

    async def __call__(self, delivery: Delivery) -> None:
        """Returning acknowledges; raising hands the work back (see Messaging.work)."""
        try:
            work = DetectScene.model_validate_json(delivery.data)
        except ValidationError as error:
            logging.get().error("work not understood", subject=delivery.subject, problem=str(error)[:500])
            return
        reporter = RunReporter(self.tools.messaging, work, delivery.sequence)
        delivered = delivery.delivered + work.workers_lost
        if delivered > MAXIMUM_DELIVERIES:
            await reporter.failed(_gave_up(work))
            return
        lacking = work.memory_bytes - self.tools.available_bytes()
        if lacking > 0:
            await reporter.returned(self.tools.worker_id, f"{lacking} bytes of memory are missing")
            return
        log = logging.get().bind(run=str(work.run_id), item=work.item_name, delivered=delivered)
        try:
            await self._announced(work, reporter)
        except VedetteError as error:
            self.tools.metrics.ended(work, error.reason.code.value)
            log.warning("run ended", code=error.reason.code, reason=str(error.reason))
            if await is_outage(error.reason, self.tools.store):
                raise HandBack(str(error.reason)) from error
            await _ended(error.reason, delivered, reporter)
        except HandBack:
            raise
        except Exception as error:
            self.tools.metrics.ended(work, Code.INTERNAL.value)
            log.exception("run broke")
            what = f"Looking at {work.item_name} broke: {type(error).__name__}: {error}"[:1000]
            reason = Reason(code=Code.INTERNAL, message=what, remedy="See the worker's log.", retryable=True)
            await _ended(reason, delivered, reporter)
        else:
            log.info("run over")

    async def _announced(self, work: DetectScene, reporter: RunReporter) -> None:
        flag = self.running.setdefault((work.run_id, work.attempt), Event())
        self.tools.changed()
        try:
            # The flag stands before the bucket is asked: a cancellation in between reaches the one or the other.
            if await self.tools.messaging.is_cancelled(work.run_id, work.attempt):
                flag.set()
            await self._run(work, reporter, flag)
        finally:
            self.running.pop((work.run_id, work.attempt), None)
            self.tools.changed()

    async def _run(self, work: DetectScene, reporter: RunReporter, flag: Event) -> None:
        checkpoints = StoreCheckpoints(self.tools.store, work.run_id)
        if flag.is_set():
            raise _cancelled(work)
        await reporter.started(self.tools.name)
        job = Job(self.tools, work, checkpoints, reporter, flag)
        energy = self.tools.metrics.energy()
        async with reporter.sending_progress():
            summary = await _in_thread(job, flag)
        await reporter.finished(summary)
        self.tools.metrics.finished(work, summary, energy())
        await asyncio.to_thread(checkpoints.clear)


@dataclass(frozen=True)
class Job:
    """The synchronous part of a run, in a thread of its own."""

    tools: Tools
    work: DetectScene
    checkpoints: StoreCheckpoints
    reporter: RunReporter
    flag: Event

    def __call__(self) -> RunSummary:
        work, store = self.work, self.tools.store
        with spans.span("fetch model package", attributes={"vedette.detector": work.detector}):
            whole = self.tools.packages.get(work.package_prefix, work.package_digest)
        scene = SceneSource(store.gdal_path(work.scene_key), work.item_name, work.scene, store.gdal_options())
        hooks = Hooks(self.reporter.note_progress, self.flag.is_set, self.checkpoints)
        with (
            tempfile.TemporaryDirectory(dir=self.tools.folder) as folder,
            worker_precision.lease(whole, self.tools.precision, self.tools.backends) as served,
        ):
            package, backend = served.package, served.backend
            output = Path(folder) / "detections.parquet"
            with spans.span("detect scene", attributes=_size(work)):
                manifest = self.tools.served.manifest(package.manifest)
                options = replace(self.tools.options, package=package.digest)
                summary = predict_scene(scene, manifest, backend, output, options, hooks)
            with spans.span("store detections", attributes={"vedette.detections": summary.detections}):
                store.put_file(keys.detections(work.run_id), output, _PARQUET)
            return summary.model_copy(update={"notes": [*summary.notes, *served.notes, *self.tools.served.notes()]})


def _size(work: DetectScene) -> dict[str, int]:
    return {"vedette.scene.width": work.scene.width, "vedette.scene.height": work.scene.height}


async def _in_thread(job: Job, flag: Event) -> RunSummary:
    """Run the job to its end. When this task is cancelled (the worker stops), the thread is told and waited for."""
    cancellation.heed()
    thread = asyncio.ensure_future(asyncio.to_thread(job))
    try:
        return await asyncio.shield(thread)
    except asyncio.CancelledError:
        flag.set()
        await asyncio.wait([thread], timeout=_HAND_BACK_SECONDS)
        if thread.done() and not thread.cancelled():
            thread.exception()
        raise


async def _ended(reason: Reason, delivered: int, reporter: RunReporter) -> None:
    """Report an end, or raise so that the work is delivered again."""
    if reason.code is Code.CANCELLED:
        await reporter.cancelled()
    elif not reason.retryable or delivered >= MAXIMUM_DELIVERIES:
        await reporter.failed(reason)
    else:
        raise VedetteError(reason.code, reason.message, reason.remedy, retryable=True)


def _cancelled(work: DetectScene) -> VedetteError:
    return VedetteError(Code.CANCELLED, f"The run on {work.item_name} was cancelled.")


def _gave_up(work: DetectScene) -> Reason:
    """The last worker died without a word: most often for want of memory, or inside the model."""
    return Reason(
        code=Code.INTERNAL,
        message=f"{MAXIMUM_DELIVERIES} workers ended while they looked at {work.item_name}.",
        remedy="See `vedette logs` for the workers' last lines; give them more memory, or apply another model package.",
    )
