"""A finished band as bytes, and back, without losing a bit. Called by collect.py; checkpoints.py keeps the bytes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from appliance.vision.candidates import Candidates, Outlines
from appliance.vision.merge import Seen
from appliance.vision.ownership import Placed

_BOX = ("x", "y", "width", "height", "angle")
_FINGERPRINT, _SKIPPED = b"vedette:fingerprint", b"vedette:skipped"


@dataclass(frozen=True)
class FinishedBand:
    placed: Placed
    skipped: int


def dump(band: FinishedBand, fingerprint: str) -> bytes:
    candidates = band.placed.candidates
    columns = {
        "tile": candidates.tile,
        **{name: candidates.boxes[:, place] for place, name in enumerate(_BOX)},
        "score": candidates.scores,
        "class": candidates.classes,
        "owned": band.placed.seen.owned,
        "cut": band.placed.seen.cut,
        "seam": band.placed.seam,
    }
    arrays = {name: pa.array(values) for name, values in columns.items()}
    if candidates.outlines is not None:
        flat = pa.array(candidates.outlines.points.reshape(-1))
        arrays["outline"] = pa.LargeListArray.from_arrays(pa.array(candidates.outlines.offsets * 2), flat)
    metadata = {_FINGERPRINT: fingerprint.encode(), _SKIPPED: str(band.skipped).encode()}
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table(arrays).replace_schema_metadata(metadata), sink, compression="zstd")
    data: bytes = sink.getvalue().to_pybytes()
    return data


def load(data: bytes, fingerprint: str) -> FinishedBand | None:
    """None when the bytes are of another run or damaged: the band is then done again."""
    try:
        table = pq.read_table(pa.BufferReader(data))
    except (pa.ArrowException, OSError):
        return None
    metadata = table.schema.metadata or {}
    if metadata.get(_FINGERPRINT) != fingerprint.encode():
        return None
    column = {name: table.column(name).to_numpy() for name in table.column_names if name != "outline"}
    outlines = None
    if "outline" in table.column_names:
        rings = table.column("outline").combine_chunks()
        rings = rings.chunk(0) if isinstance(rings, pa.ChunkedArray) else rings
        outlines = Outlines(rings.offsets.to_numpy() // 2, rings.values.to_numpy().reshape(-1, 2))
    candidates = Candidates(
        column["tile"],
        np.stack([column[name] for name in _BOX], axis=1),
        column["score"],
        column["class"],
        outlines,
    )
    placed = Placed(candidates, Seen(column["owned"], column["cut"]), column["seam"])
    return FinishedBand(placed, int(metadata[_SKIPPED]))
