"""Runs that wait for their turn, and the message that places one on a worker, within the caller's transaction.

Called by runs, reports, detectors, following, the reconciler and the placer.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy.ext.asyncio import AsyncConnection

from appliance.api.following import routing
from appliance.api.following.said import Followed, Package
from appliance.api.services.announcing import of_run
from appliance.api.services.missing import no_detector, no_run
from appliance.api.storage import detectors, followed, items, outbox, runs
from appliance.api.storage.items import ItemRecord
from appliance.api.storage.runs import RunRecord
from appliance.clients import logging, tracing
from appliance.contracts import keys
from appliance.contracts.base import RunId, now
from appliance.contracts.detector import Detector
from appliance.contracts.events import EventKind
from appliance.contracts.messages import DetectScene, detect_subject
from appliance.contracts.run import Progress, RunState, run_id
from appliance.vision.memory import run_bytes


async def queue_new(connection: AsyncConnection, record: ItemRecord, detector: Detector) -> tuple[RunId, bool]:
    """The run of this detector version on this ready item, and whether it is new; an old one stays as it is."""
    identifier = run_id(record.item.id, detector.digest)
    created = await runs.add(connection, await _asked(connection, identifier, record, detector))
    if created:
        run = await _found(connection, identifier)
        await outbox.add_event(connection, of_run(EventKind.RUN_CREATED, run, now()))
        # The same run may have been deleted with its item, which cancels whatever attempt.
        await outbox.add_cancellation(connection, identifier, cancelled=False)
        _log_queued(run)
    return identifier, created


async def _asked(connection: AsyncConnection, identifier: RunId, record: ItemRecord, detector: Detector) -> runs.NewRun:
    """What the run asks of a worker. Raises VedetteError(NOT_FOUND) for an item without a scene."""
    scene, manifest = record.item.scene, detector.manifest
    if scene is None:
        raise no_run(identifier)
    model_bytes = await detectors.model_bytes(connection, detector.name, detector.version)
    return runs.NewRun(
        id=identifier,
        item_id=record.item.id,
        detector=detector.name,
        version=detector.version,
        megapixels=scene.width * scene.height / 1e6,
        memory_bytes=run_bytes(scene, manifest.input, model_bytes, manifest.hardware.working_bytes),
        gpu=manifest.hardware.gpu,
        trace_id=record.item.trace_id,
    )


async def queue_subscribed(connection: AsyncConnection, records: Iterable[ItemRecord]) -> int:
    """A run for each ready item of each detector that watches its dataset; how many are new."""
    created, watching = 0, {}
    said = await followed.every(connection)
    names = {each.name for each in said}
    for record in records:
        dataset = record.item.dataset
        if dataset not in watching:
            watching[dataset] = await detectors.subscribed_to(connection, dataset)
        for detector in watching[dataset]:
            if detector.name not in names:
                created += (await queue_new(connection, record, detector))[1]
        created += await queue_followed(connection, record, said)
    return created


async def queue_followed(connection: AsyncConnection, record: ItemRecord, said: Iterable[Followed]) -> int:
    """One run for each of these Detectors of a cluster that wants the item and never had it; how many are new."""
    item, created = record.item, 0
    for detector in said:
        if item.scene is None or not routing.wants(detector, item.dataset, item.scene):
            continue
        package = routing.version_for(detector, item.id)
        served = None if package is None else await known_package(connection, package)
        if served is not None and not await runs.any_of_detector(connection, item.id, detector.name):
            created += (await queue_new(connection, record, served))[1]
    return created


async def known_package(connection: AsyncConnection, package: Package) -> Detector | None:
    """The detector version of this very content; None until it is registered."""
    found = await detectors.find(connection, package.name, package.version)
    if found is None or not found.ready or found.detector.digest != package.digest:
        return None
    return found.detector


async def queue_again(connection: AsyncConnection, record: RunRecord) -> RunRecord:
    """The next attempt: reports of the one before no longer count."""
    run = record.run
    await runs.change(
        connection,
        run.id,
        state=RunState.QUEUED.value,
        attempt=run.attempt + 1,
        progress=Progress(fraction=0).model_dump(mode="json"),
        summary=None,
        reason=None,
        worker=None,
        queued_at=now(),
        placed_on=None,
        workers_lost=0,
        refused_by=None,
        started_at=None,
        finished_at=None,
    )
    # A cancellation stands for the attempts so far: forgetting it here could keep it from a worker that has not heard.
    fresh = await _found(connection, run.id)
    await outbox.add_event(connection, of_run(EventKind.RUN_CHANGED, fresh, now()))
    _log_queued(fresh)
    return fresh


async def publish_detecting(connection: AsyncConnection, record: RunRecord) -> None:
    """Write the work message of a run that was placed on a worker."""
    run, worker_id = record.run, record.placed_on
    if worker_id is None:
        raise ValueError(f"run {run.id} is placed on no worker")
    item = await items.find(connection, run.item_id)
    detector = await detectors.find(connection, run.detector, run.version)
    if item is None or item.item.scene is None:
        raise no_run(run.id)
    if detector is None:
        raise no_detector(run.detector, run.version)
    message = DetectScene(
        run_id=run.id,
        item_id=run.item_id,
        item_name=run.item_name,
        scene_key=keys.scene(run.item_id),
        scene=item.item.scene,
        detector=run.detector,
        version=run.version,
        package_prefix=keys.model_prefix(run.detector, run.version),
        package_digest=detector.detector.digest,
        attempt=run.attempt,
        worker_id=worker_id,
        memory_bytes=record.memory_bytes,
        workers_lost=record.workers_lost,
    )
    # The moment tells this message from that of the same run deleted and asked again, or published again.
    message_id = f"detect/{run.id}/{run.attempt}/{now().timestamp():.3f}"
    with tracing.bound(run.trace_id):
        await outbox.add(connection, detect_subject(run.detector), message, message_id)
        logging.get().info("run placed", run=str(run.id), worker=str(worker_id), attempt=run.attempt)


def _log_queued(record: RunRecord) -> None:
    run = record.run
    with tracing.bound(run.trace_id):
        logging.get().info(
            "run queued", run=str(run.id), item=run.item_name, detector=run.detector, attempt=run.attempt
        )


async def _found(connection: AsyncConnection, identifier: RunId) -> RunRecord:
    record = await runs.find(connection, identifier)
    if record is None:
        raise no_run(identifier)
    return record
