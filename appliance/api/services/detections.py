"""What a run found, as rows, figures and a file. Called by routes/detections.py."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from appliance.api.map_plane import box_to_map
from appliance.api.services.missing import no_detection, no_detector, no_item, no_run
from appliance.api.storage import detections, detectors, histograms, items, runs
from appliance.api.storage.database import Database
from appliance.api.storage.runs import RunRecord
from appliance.api.views.detections import DetectionFilter, Measures
from appliance.api.views.pages import DetectionPage
from appliance.api.views.work import Histogram
from appliance.clients.objectstore import ObjectStore
from appliance.contracts import keys
from appliance.contracts.base import RunId
from appliance.contracts.detection import Detection
from appliance.contracts.errors import Code, VedetteError
from appliance.contracts.run import RunState

_DOWNLOAD = timedelta(hours=1)


class Detections:
    def __init__(self, database: Database, store: ObjectStore) -> None:
        self._database, self._store = database, store

    async def page(self, run_id: RunId, wanted: DetectionFilter, cursor: str | None, limit: int) -> DetectionPage:
        async with self._database.begin() as connection:
            record = await _found(connection, run_id)
            box = None
            if wanted.bbox is not None:
                item = await items.find(connection, record.run.item_id)
                if item is None:
                    raise no_item(record.run.item_id)
                scene = item.item.scene
                box = box_to_map(wanted.bbox, georeferenced=scene is not None and scene.crs is not None)
            return await detections.page(connection, run_id, replace(wanted, bbox=box), (cursor, limit))

    async def get(self, run_id: RunId, ordinal: int) -> Detection:
        async with self._database.begin() as connection:
            await _found(connection, run_id)
            found = await detections.find(connection, run_id, ordinal)
        if found is None:
            raise no_detection(run_id, ordinal)
        return found

    async def histogram(self, run_id: RunId, bins: int, measures: Measures) -> Histogram:
        async with self._database.look() as connection:
            run = (await _found(connection, run_id)).run
            detector = await detectors.find(connection, run.detector, run.version)
            if detector is None:
                raise no_detector(run.detector, run.version)
            kept = await histograms.find(connection, run_id, bins) if measures == Measures() else None
            by_label = kept if kept is not None else await histograms.count(connection, run_id, bins, measures)
        counts = [sum(column) for column in zip(*by_label.values(), strict=True)] or [0] * bins
        return Histogram(
            counts=counts,
            total=sum(counts),
            labels={label: sum(own) for label, own in by_label.items()},
            counts_by_label=by_label,
            running_point=detector.detector.manifest.running_point.threshold,
        )

    async def file_url(self, run_id: RunId) -> str:
        async with self._database.begin() as connection:
            run = (await _found(connection, run_id)).run
        if run.state is not RunState.SUCCEEDED:
            raise VedetteError(Code.NOT_FOUND, f"Run {run_id} is {run.state.value}.", "Wait until it has succeeded.")
        name = f"{run.item_name.rsplit('.', 1)[0]}-{run.detector}-{run.version}.parquet"
        return await asyncio.to_thread(self._store.presigned_get, keys.detections(run_id), _DOWNLOAD, name)


async def _found(connection: AsyncConnection, run_id: RunId) -> RunRecord:
    record = await runs.find(connection, run_id)
    if record is None:
        raise no_run(run_id)
    return record
