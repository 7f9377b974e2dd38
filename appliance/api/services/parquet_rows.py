"""The rows of a detections.parquet file (contracts.detection.PARQUET_COLUMNS), some thousands at a time, for COPY.

Called by services/ingest.py. Checks what it is given: a worker's file is data from another process.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import shapely
from numpy.typing import NDArray

from appliance.api.map_plane import MAP_SRID, PIXEL_SRID, WGS84_SRID, Geometries, coordinates_to_map, to_map
from appliance.api.services import alike_polygons, copy_blocks
from appliance.api.storage.histograms import BINS, FLOAT32_SLACK
from appliance.contracts.base import RunId
from appliance.contracts.detection import PARQUET_COLUMNS
from appliance.contracts.errors import Code, VedetteError

BATCH_ROWS = 8192
_NUMBERS = ("score", "x", "y", "width", "height", "angle_degrees")
_LABEL_LIMIT = 255


class Rows(NamedTuple):
    """`data` in PostgreSQL's binary COPY format, the fields in the order of COLUMNS; `histogram`: of each label, how many
    there are by hundredth of the score."""

    data: bytes
    histogram: Histogram


Histogram = dict[str, NDArray[np.int64]]
COLUMNS = ("run_id", "ordinal", *_NUMBERS, "area_square_metres", "geometry", "map_geometry", "label")


def batches(path: Path, run_id: RunId, georeferenced: bool) -> Iterator[Rows]:
    """Raises VedetteError(UNREADABLE) on a file of another shape."""
    try:
        # A file that is buffered ahead is kept whole, row group by row group, until it is closed.
        with pq.ParquetFile(path, pre_buffer=False, buffer_size=1 << 20) as file:
            if tuple(file.schema_arrow.names) != PARQUET_COLUMNS:
                raise _wrong(f"its columns are {', '.join(file.schema_arrow.names)}")
            for batch in file.iter_batches(batch_size=BATCH_ROWS):
                if batch.num_rows:
                    yield _rows(batch, run_id, georeferenced)
    except (pa.ArrowException, OSError, ValueError, shapely.errors.ShapelyError) as error:
        raise _wrong(type(error).__name__) from error


def _rows(batch: pa.RecordBatch, run_id: RunId, georeferenced: bool) -> Rows:
    columns = {name: batch.column(name) for name in PARQUET_COLUMNS}
    empty = [name for name in PARQUET_COLUMNS if name != "area_square_metres" and columns[name].null_count]
    if empty:
        raise _wrong(f"{empty[0]} has empty values")
    numbers = {name: columns[name].to_numpy(zero_copy_only=False) for name in _NUMBERS}
    for name, values in numbers.items():
        if not np.isfinite(values).all():
            raise _wrong(f"{name} has values that are no numbers")
    scores = numbers["score"].astype(np.float32)
    if numbers["score"].min() < 0 or numbers["score"].max() > 1:
        raise _wrong("score is outside 0 to 1")
    if pc.max(pc.utf8_length(columns["label"])).as_py() > _LABEL_LIMIT:
        raise _wrong("a label is longer than 255 characters")
    area = columns["area_square_metres"].cast(pa.float64()).to_numpy(zero_copy_only=False)
    fixed = {
        "run_id": np.full(batch.num_rows, np.void(run_id.bytes)),
        "ordinal": columns["ordinal"].to_numpy(zero_copy_only=False).astype(np.int64),
        "score": scores,
        **{name: values.astype(np.float64) for name, values in numbers.items() if name != "score"},
        "area_square_metres": area.astype(np.float64),
    }
    srid = WGS84_SRID if georeferenced else PIXEL_SRID
    texts = {"label": columns["label"].cast(pa.binary()).to_numpy(zero_copy_only=False)}
    rings = alike_polygons.rings(columns["geometry"])
    if rings is not None:
        fixed["geometry"] = alike_polygons.ewkb(rings, srid)
        fixed["map_geometry"] = alike_polygons.ewkb(coordinates_to_map(rings, georeferenced), MAP_SRID)
    else:
        geometries = shapely.from_wkb(columns["geometry"].to_numpy(zero_copy_only=False))
        texts = {
            "geometry": _ewkb(geometries, srid),
            "map_geometry": _ewkb(to_map(geometries, georeferenced), MAP_SRID),
            **texts,
        }
    return Rows(copy_blocks.block(fixed, texts), _histogram(columns["label"], scores))


def _histogram(labels: pa.StringArray, scores: NDArray[np.float32]) -> Histogram:
    coded = labels.dictionary_encode()
    bins = np.minimum(np.floor(scores.astype(np.float64) * BINS + BINS * FLOAT32_SLACK), BINS - 1).astype(np.int64)
    places = coded.indices.to_numpy(zero_copy_only=False) * BINS + bins
    counts = np.bincount(places, minlength=len(coded.dictionary) * BINS).reshape(-1, BINS)
    return dict(zip(coded.dictionary.to_pylist(), counts, strict=True))


def _ewkb(geometries: Geometries, srid: int) -> NDArray[np.object_]:
    return np.asarray(shapely.to_wkb(shapely.set_srid(geometries, srid), include_srid=True), dtype=object)


def _wrong(why: str) -> VedetteError:
    return VedetteError(Code.UNREADABLE, f"The detections file cannot be read: {why}.", "Retry the run.")
