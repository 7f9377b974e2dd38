"""How many detections of a run have which score, by label: kept when they are taken in, counted where sizes are asked for.

Called by services/ingest.py and services/detections.py.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Integer, cast, delete, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from appliance.api.storage.measuring import within
from appliance.api.storage.tables import detections, histograms
from appliance.api.views.detections import Measures
from appliance.contracts.base import RunId

BINS = 100
FLOAT32_SLACK = 5e-8
"""A score of 0.7 is a little less than 0.7 as a float32, and would fall into the bin below."""

ByLabel = dict[str, list[int]]


async def keep(connection: AsyncConnection, run_id: RunId, counts: Mapping[str, NDArray[np.int64]]) -> None:
    """Of each label BINS counts, in place of what was kept before."""
    await connection.execute(delete(histograms).where(histograms.c.run_id == run_id))
    values = {label: own.tolist() for label, own in counts.items()}
    await connection.execute(insert(histograms).values(run_id=run_id, counts=values))


async def find(connection: AsyncConnection, run_id: RunId, bins: int) -> ByLabel | None:
    """What was kept, in `bins` equal parts of 0..1; None where these cannot be told from it."""
    if BINS % bins:
        return None
    kept = (
        await connection.execute(select(histograms.c.counts).where(histograms.c.run_id == run_id))
    ).scalar_one_or_none()
    if kept is None:
        return None
    return {label: np.reshape(own, (bins, -1)).sum(axis=1).tolist() for label, own in sorted(kept.items())}


async def count(connection: AsyncConnection, run_id: RunId, bins: int, measures: Measures) -> ByLabel:
    """Of the detections within `measures`."""
    bucket = cast(func.least(func.floor(detections.c.score * bins + bins * FLOAT32_SLACK), bins - 1), Integer)
    statement = select(detections.c.label, bucket.label("bucket"), func.count().label("found"))
    statement = statement.where(detections.c.run_id == run_id, *within(measures)).group_by(detections.c.label, "bucket")
    counts: ByLabel = {}
    for row in await connection.execute(statement.order_by(detections.c.label)):
        counts.setdefault(row.label, [0] * bins)[row.bucket] = row.found
    return counts
