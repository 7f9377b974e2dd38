"""Detections as GeoParquet become GeoJSON, GeoPackage or FlatGeobuf, batch by batch. Called by `vedette predict`.

Memory does not grow with the file. Without georeference, coordinates are pixels (y down) and no CRS is claimed.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pyogrio
import shapely

from appliance.contracts.errors import Code, VedetteError
from appliance.inference.geoparquet import full_disk

LAYER = "detections"
_BATCH_ROWS = 1 << 14
_DECIMALS = 8
"""Of a degree: a millimetre on the ground."""


def suffixes() -> tuple[str, ...]:
    return (".parquet", *_WRITERS)


def check(path: Path) -> None:
    """Raises VedetteError(UNSUPPORTED, NOT_FOUND) when nothing could be written there."""
    if path.suffix.lower() not in suffixes():
        raise VedetteError(
            Code.UNSUPPORTED, f"{path} is of a kind that is not written.", f"Let it end in {', '.join(suffixes())}."
        )
    if not path.parent.is_dir():
        raise VedetteError(Code.NOT_FOUND, f"The folder {path.parent} does not exist.", "Create it first.")
    if path.is_dir():
        raise VedetteError(Code.CONFLICT, f"{path} is a folder.", "Name a file.")


def export(detections: Path, target: Path) -> None:
    """Write `target` in the format of its suffix; it appears under its name only when complete."""
    partial = target.with_name(f".{target.stem}.partial{target.suffix}")
    try:
        with full_disk(target):
            _WRITERS[target.suffix.lower()](pq.ParquetFile(detections, pre_buffer=False), partial)
            partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)


def _georeferenced(source: pq.ParquetFile) -> bool:
    geo = json.loads(source.schema_arrow.metadata[b"geo"])
    return "crs" not in geo["columns"]["geometry"]


def _geojson(source: pq.ParquetFile, target: Path) -> None:
    digits = _DECIMALS if _georeferenced(source) else 3
    with target.open("w", encoding="utf-8") as out:
        out.write('{"type":"FeatureCollection","features":[')
        separator = "\n"
        for batch in source.iter_batches(_BATCH_ROWS):
            for feature in _features(batch, digits):
                out.write(separator + feature)
                separator = ",\n"
        out.write("\n]}\n")


def _features(batch: pa.RecordBatch, digits: int) -> Iterator[str]:
    shapes = shapely.from_wkb(batch.column("geometry").to_numpy(zero_copy_only=False))
    shapes = shapely.transform(shapes, lambda points: points.round(digits))
    rows = batch.drop_columns(["geometry"]).to_pylist()
    for row, geometry in zip(rows, shapely.to_geojson(shapes), strict=True):
        row["score"] = round(row["score"], 6)
        properties = json.dumps(row, ensure_ascii=False, allow_nan=False)
        yield f'{{"type":"Feature","id":{row["ordinal"]},"properties":{properties},"geometry":{geometry}}}'


def _through_gdal(driver: str) -> Callable[[pq.ParquetFile, Path], None]:
    def write(source: pq.ParquetFile, target: Path) -> None:
        target.unlink(missing_ok=True)
        schema = source.schema_arrow.remove_metadata()
        reader = pa.RecordBatchReader.from_batches(
            schema, (_multi(batch, schema) for batch in source.iter_batches(_BATCH_ROWS))
        )
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="'crs' was not provided")
            try:
                pyogrio.write_arrow(  # type: ignore[no-untyped-call]
                    reader,
                    target,
                    layer=LAYER,
                    driver=driver,
                    geometry_name="geometry",
                    geometry_type="MultiPolygon",
                    crs="EPSG:4326" if _georeferenced(source) else None,
                )
            except pyogrio.errors.DataSourceError as error:
                raise OSError(str(error)) from error

    return write


def _multi(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """One geometry type in a layer: QGIS and FlatGeobuf want it."""
    shapes = shapely.from_wkb(batch.column("geometry").to_numpy(zero_copy_only=False))
    multi = [shape if shape.geom_type == "MultiPolygon" else shapely.MultiPolygon([shape]) for shape in shapes]
    columns = [*batch.columns[:-1], pa.array(shapely.to_wkb(multi), pa.binary())]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


_WRITERS: dict[str, Callable[[pq.ParquetFile, Path], None]] = {
    ".geojson": _geojson,
    ".gpkg": _through_gdal("GPKG"),
    ".fgb": _through_gdal("FlatGeobuf"),
}
