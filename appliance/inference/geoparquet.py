"""GeoParquet 1.1 written as it comes (https://geoparquet.org/releases/v1.1.0/). Called by predict.py.

The file appears under its name only when complete. The same rows give the same bytes.
"""

from __future__ import annotations

import errno
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import shapely

from appliance.contracts.errors import Code, VedetteError
from appliance.inference.finish import SCHEMA

_ROWS_A_GROUP = 1 << 14


class GeoParquetWriter:
    """Collects rows into groups of about 16,384 and writes each when full. Use as a context manager."""

    def __init__(self, path: Path, georeferenced: bool) -> None:
        self._path = path
        self._partial = path.with_name(path.name + ".partial")
        self._georeferenced = georeferenced
        self._rows: list[pa.RecordBatch] = []
        self._count = 0
        self._bounds = np.array([np.inf, np.inf, -np.inf, -np.inf])
        with full_disk(path):
            self._file = pq.ParquetWriter(self._partial, SCHEMA, compression="zstd", store_schema=False)

    def write(self, rows: pa.RecordBatch) -> None:
        if not rows.num_rows:
            return
        bounds = shapely.bounds(shapely.from_wkb(rows.column("geometry").to_numpy(zero_copy_only=False)))
        self._bounds[:2] = np.minimum(self._bounds[:2], bounds[:, :2].min(axis=0))
        self._bounds[2:] = np.maximum(self._bounds[2:], bounds[:, 2:].max(axis=0))
        self._rows.append(rows)
        self._count += rows.num_rows
        if self._count >= _ROWS_A_GROUP:
            self._flush()

    def _flush(self) -> None:
        if self._rows:
            with full_disk(self._path):
                self._file.write_table(pa.Table.from_batches(self._rows), row_group_size=self._count)
        self._rows, self._count = [], 0

    def finish(self) -> None:
        """Write the footer and give the file its name."""
        self._flush()
        with full_disk(self._path):
            self._file.add_key_value_metadata({"geo": json.dumps(self._metadata(), sort_keys=True)})
            self._file.close()
            self._partial.replace(self._path)

    def _metadata(self) -> dict[str, object]:
        column: dict[str, object] = {"encoding": "WKB", "geometry_types": ["MultiPolygon", "Polygon"]}
        if not self._georeferenced:
            column["crs"] = None
        if np.isfinite(self._bounds).all():
            column["bbox"] = [float(number) for number in self._bounds]
        return {"version": "1.1.0", "primary_column": "geometry", "columns": {"geometry": column}}

    def __enter__(self) -> GeoParquetWriter:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        self._partial.unlink(missing_ok=True)


@contextmanager
def full_disk(path: Path) -> Iterator[None]:
    """Turns a refusal of the operating system into VedetteError(DISK)."""
    try:
        yield
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT) or "No space left" in str(error)
        what = f"The disk is full: {path} could not be written." if full else f"{path} could not be written: {error}."
        remedy = "Free some space and try again." if full else "Check the folder and its permissions."
        raise VedetteError(Code.DISK, what, remedy, retryable=full) from error
