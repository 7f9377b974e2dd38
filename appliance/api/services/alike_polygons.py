"""Polygons that differ in nothing but their coordinates, such as boxes: read and written as one table, without an object
each. Pure. Called by parquet_rows.py, which takes any other geometry one by one.

WKB as in OGC 06-103r4, 8.2; EWKB is PostGIS' own, with a flag in the type and the SRID behind it.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Rings = NDArray[np.float64]
_POLYGON, _ONE_RING, _SMALLEST_RING = 3, 1, 4
_HAS_SRID = 0x20000000
_LITTLE_ENDIAN = 1


def rings(column: pa.BinaryArray) -> Rings | None:
    """(rows, points, 2): of polygons in little-endian WKB with one closed ring of equally many finite points each.

    None where any row is another geometry, or is no geometry: the caller reads those with care.
    """
    count = len(column)
    offsets = np.frombuffer(column.buffers()[1], np.int32)[column.offset : column.offset + count + 1]
    size = int(offsets[1] - offsets[0])
    points = (size - _layout(0).itemsize) // 16
    if points < _SMALLEST_RING or _layout(points).itemsize != size or not (np.diff(offsets) == size).all():
        return None
    table = np.frombuffer(column.buffers()[2], _layout(points), count, int(offsets[0]))
    head = (("order", _LITTLE_ENDIAN), ("type", _POLYGON), ("rings", _ONE_RING), ("points", points))
    if not all((table[name] == value).all() for name, value in head):
        return None
    coordinates: Rings = table["coordinates"]
    closed = (coordinates[:, 0] == coordinates[:, -1]).all()
    return coordinates if closed and np.isfinite(coordinates).all() else None


def ewkb(coordinates: Rings, srid: int) -> NDArray[np.void]:
    """(rows,) of as many raw bytes each: `rings` the other way, with the reference system named."""
    count, points, _ = coordinates.shape
    table = np.empty(count, _layout(points, with_srid=True))
    table["order"], table["type"], table["srid"] = _LITTLE_ENDIAN, _POLYGON | _HAS_SRID, srid
    table["rings"], table["points"], table["coordinates"] = _ONE_RING, points, coordinates
    return table.view(f"V{table.dtype.itemsize}")


def _layout(points: int, with_srid: bool = False) -> np.dtype[np.void]:
    srid = [("srid", "<u4")] if with_srid else []
    tail = [("rings", "<u4"), ("points", "<u4"), ("coordinates", "<f8", (points, 2))]
    return np.dtype([("order", "u1"), ("type", "<u4"), *srid, *tail])
