"""A finished run's GeoParquet file into the database, in one transaction and in constant memory.

Called when a worker reports that it has finished, and by the reconciler where that was lost. Twice is once: the rows of
the run are replaced.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncGenerator
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from pathlib import Path

from psycopg import DataError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from appliance.api.map_plane import WGS84_SRID, srid_of
from appliance.api.services.announcing import of_run
from appliance.api.services.copy_blocks import HEADER, TRAILER
from appliance.api.services.parquet_rows import COLUMNS, Histogram, Rows, batches
from appliance.api.storage import detections, histograms, items, outbox, runs
from appliance.api.storage.database import Database, take_your_time
from appliance.clients import logging, spans
from appliance.clients.objectstore import ObjectStore
from appliance.contracts import keys
from appliance.contracts.base import RunId, now
from appliance.contracts.errors import Code, VedetteError
from appliance.contracts.events import EventKind
from appliance.contracts.run import RunState


class Ingest:
    def __init__(self, database: Database, store: ObjectStore) -> None:
        self._database, self._store = database, store

    async def run(self, run_id: RunId) -> None:
        """Take the detections in and set the run to succeeded; to failed when its file is not as it should be.

        Raises VedetteError that is retryable when the store or the database does not answer.
        """
        with spans.span("ingest detections"), tempfile.TemporaryDirectory(prefix="vedette-ingest-") as folder:
            path = Path(folder) / "detections.parquet"
            try:
                await asyncio.to_thread(self._store.get_file, keys.detections(run_id), path)
                await self._take_in(run_id, path)
            except VedetteError as error:
                if error.reason.retryable:
                    raise
                await self._fail(run_id, error)

    async def _take_in(self, run_id: RunId, path: Path) -> None:
        async with self._database.begin() as connection:
            await take_your_time(connection)
            record = await runs.lock(connection, run_id)
            if record is None or record.run.state is not RunState.INGESTING:
                return
            item = await items.find(connection, record.run.item_id)
            georeferenced = item is not None and item.item.scene is not None and srid_of(item.item.scene) == WGS84_SRID
            await detections.remove_all(connection, run_id)
            histogram = await _copy(connection, run_id, path, georeferenced)
            taken = sum(int(counts.sum()) for counts in histogram.values())
            summary = record.run.summary
            if summary is not None and taken != summary.detections:
                raise VedetteError(
                    Code.TRUNCATED,
                    f"The detections of {record.run.item_name} are {taken}; the worker reported {summary.detections}.",
                    "Retry the run.",
                )
            await histograms.keep(connection, run_id, histogram)
            await runs.change(connection, run_id, state=RunState.SUCCEEDED.value, finished_at=now())
            fresh = await runs.find(connection, run_id)
            if fresh is not None:
                await outbox.add_event(connection, of_run(EventKind.RUN_CHANGED, fresh, now()))
        logging.get().info("detections taken in", run=str(run_id), detections=taken)

    async def _fail(self, run_id: RunId, error: VedetteError) -> None:
        async with self._database.begin() as connection:
            record = await runs.lock(connection, run_id)
            if record is None or record.run.state is not RunState.INGESTING:
                return
            logging.get().warning("run failed", run=str(run_id), reason=str(error.reason))
            reason = error.reason.model_dump(mode="json")
            await runs.change(connection, run_id, state=RunState.FAILED.value, reason=reason, finished_at=now())
            fresh = await runs.find(connection, run_id)
            if fresh is not None:
                await outbox.add_event(connection, of_run(EventKind.RUN_CHANGED, fresh, now()))


async def _copy(connection: AsyncConnection, run_id: RunId, path: Path, georeferenced: bool) -> Histogram:
    """Of the rows that went in. A batch is read and converted in a thread while the one before is on its way: the API goes
    on answering, and neither waits for the other. One thread for all batches: each thread keeps memory of its own."""
    histogram: Histogram = {}
    source = batches(path, run_id, georeferenced)
    thread = ThreadPoolExecutor(1, "ingest")

    def following() -> asyncio.Future[Rows | None]:
        return asyncio.get_running_loop().run_in_executor(thread, next, source, None)

    async def blocks() -> AsyncGenerator[bytes, None]:
        yield HEADER
        coming = following()
        try:
            while (rows := await coming) is not None:
                coming = following()
                for label, counts in rows.histogram.items():
                    histogram[label] = histogram.get(label, 0) + counts
                yield rows.data
        finally:
            await asyncio.gather(coming, return_exceptions=True)  # a generator is not closed while it runs
        yield TRAILER

    try:
        async with aclosing(blocks()) as all_blocks:
            await detections.copy_in(connection, COLUMNS, all_blocks)
    except (DataError, IntegrityError) as error:
        raise VedetteError(
            Code.UNREADABLE, "The detections file has values that cannot be kept.", "Retry the run."
        ) from error
    finally:
        thread.shutdown(wait=False)
    return histogram
