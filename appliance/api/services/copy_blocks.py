"""Rows of detections as PostgreSQL's binary COPY format, many at a time. Pure. Called by parquet_rows.py.

A row is a count of fields and, of each, its length and its bytes (PostgreSQL, "COPY", binary format). Rows whose fields are
equally long look alike, byte for byte but for the values: they are written as one table of NumPy's. Which of the rows come
first is all the same to COPY.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

HEADER = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
TRAILER = b"\xff\xff"
_ABSENT = -1

Fixed = Mapping[str, NDArray[Any]]
Texts = Mapping[str, NDArray[np.object_]]


def block(fixed: Fixed, texts: Texts) -> bytes:
    """All rows, the fields of `fixed` first: numbers (n,) in the column's own type, or "V" of raw bytes; a NaN where floats
    may be missing is written as no value. `texts` are bytes (n,) of any length.
    """
    count = len(next(iter(fixed.values())))
    absent = [name for name, column in fixed.items() if column.dtype.kind == "f" and np.isnan(column).any()]
    lengths = [np.fromiter(map(len, column), np.int64, count) for column in texts.values()]
    lengths += [np.isnan(fixed[name]).astype(np.int64) for name in absent]
    if not lengths:
        return _alike(fixed, texts, ())
    if all((column == column[0]).all() for column in lengths):  # mostly so, and far cheaper to ask than to sort
        return _alike(fixed, texts, _missing(absent, np.array([column[0] for column in lengths])))
    shapes, which = np.unique(np.stack(lengths, axis=1), axis=0, return_inverse=True)
    parts = []
    for number, shape in enumerate(shapes):
        rows = np.flatnonzero(which.ravel() == number)
        chosen = {name: column[rows] for name, column in fixed.items()}
        parts.append(_alike(chosen, {name: column[rows] for name, column in texts.items()}, _missing(absent, shape)))
    return b"".join(parts)


def _missing(absent: Sequence[str], shape: NDArray[np.int64]) -> tuple[str, ...]:
    """Those of `absent` that rows of this shape have no value of."""
    flags = shape[len(shape) - len(absent) :]
    return tuple(name for name, flag in zip(absent, flags, strict=True) if flag)


def _alike(fixed: Fixed, texts: Texts, missing: tuple[str, ...]) -> bytes:
    """Rows that differ in nothing but their values."""
    fields: list[tuple[str, str]] = [("fields", ">i2")]
    for name, column in fixed.items():
        fields.append((f"{name} length", ">i4"))
        if name not in missing:
            fields.append((name, column.dtype.newbyteorder(">").str))
    for name, column in texts.items():
        fields.append((f"{name} length", ">i4"))
        if len(column[0]):
            fields.append((name, f"V{len(column[0])}"))
    count = len(next(iter(fixed.values())))
    table = np.empty(count, np.dtype(fields))
    table["fields"] = len(fixed) + len(texts)
    for name, column in fixed.items():
        table[f"{name} length"] = _ABSENT if name in missing else column.dtype.itemsize
        if name not in missing:
            table[name] = column
    for name, column in texts.items():
        size = len(column[0])
        table[f"{name} length"] = size
        if size:
            table[name] = np.frombuffer(b"".join(column.tolist()), f"V{size}")
    return table.tobytes()
