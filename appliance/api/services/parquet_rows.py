"""The rows of a detections.parquet file (contracts.detection.PARQUET_COLUMNS), a few thousand at a time, for COPY.

Called by services/ingest.py. Checks what it is given: a worker's file is data from another process.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import shapely

from appliance.api.map_plane import MAP_SRID, PIXEL_SRID, WGS84_SRID, ewkb, to_map
from appliance.contracts.base import RunId
from appliance.contracts.detection import PARQUET_COLUMNS
from appliance.contracts.errors import Code, VedetteError

BATCH_ROWS = 4096
_NUMBERS = ("score", "x", "y", "width", "height", "angle_degrees")
_LABEL_LIMIT = 255

Row = tuple[Any, ...]


def batches(path: Path, run_id: RunId, georeferenced: bool) -> Iterator[list[Row]]:
    """Rows in the order of storage.detections.COLUMNS. Raises VedetteError(UNREADABLE) on a file of another shape."""
    try:
        with pq.ParquetFile(path) as file:
            if tuple(file.schema_arrow.names) != PARQUET_COLUMNS:
                raise _wrong(f"its columns are {', '.join(file.schema_arrow.names)}")
            for batch in file.iter_batches(batch_size=BATCH_ROWS):
                yield _rows(batch, run_id, georeferenced)
    except (pa.ArrowException, OSError, shapely.errors.ShapelyError) as error:
        raise _wrong(type(error).__name__) from error


def _rows(batch: pa.RecordBatch, run_id: RunId, georeferenced: bool) -> list[Row]:
    columns = {name: batch.column(name) for name in PARQUET_COLUMNS}
    empty = [name for name in PARQUET_COLUMNS if name != "area_square_metres" and columns[name].null_count]
    if empty:
        raise _wrong(f"{empty[0]} has empty values")
    for name in _NUMBERS:
        if not np.isfinite(columns[name].to_numpy(zero_copy_only=False)).all():
            raise _wrong(f"{name} has values that are no numbers")
    scores = columns["score"].to_numpy(zero_copy_only=False)
    if len(scores) and (scores.min() < 0 or scores.max() > 1):
        raise _wrong("score is outside 0 to 1")
    labels = columns["label"].to_pylist()
    if any(len(label) > _LABEL_LIMIT for label in labels):
        raise _wrong("a label is longer than 255 characters")
    geometries = shapely.from_wkb(columns["geometry"].to_numpy(zero_copy_only=False))
    shapes = ewkb(geometries, WGS84_SRID if georeferenced else PIXEL_SRID)
    on_map = ewkb(to_map(geometries, georeferenced), MAP_SRID)
    plain = zip(*(columns[name].to_pylist() for name in (*_NUMBERS, "area_square_metres")), strict=True)
    ordinals = columns["ordinal"].to_pylist()
    return [
        (run_id, ordinal, label, *numbers, shape, drawn)
        for ordinal, label, numbers, shape, drawn in zip(ordinals, labels, plain, shapes, on_map, strict=True)
    ]


def _wrong(why: str) -> VedetteError:
    return VedetteError(Code.UNREADABLE, f"The detections file cannot be read: {why}.", "Retry the run.")
