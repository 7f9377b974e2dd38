"""DeepForest's CSV: image_path, xmin, ymin, xmax, ymax, label; or image_path, geometry (WKT polygon), label. In pixels."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import shapely

from appliance.contracts.annotation import AnnotationRecord
from appliance.formats.labels import records

_CORNERS = ("xmin", "ymin", "xmax", "ymax")


def read(path: Path) -> Iterator[AnnotationRecord]:
    """Records row by row, never the whole file at once. Further columns become attributes, as text.

    DeepForest writes an image without objects as a row of zeros: such rows are left out.
    """
    records.check_size(path)
    with path.open(encoding="utf-8-sig", newline="") as stream:
        rows = csv.DictReader(stream, strict=True)
        try:
            columns = {(name or "").strip(): name for name in rows.fieldnames or ()}
            _check(path, set(columns))
            for row in rows:
                record = _row(path, rows.line_num, {plain: row.get(name) or "" for plain, name in columns.items()})
                if record is not None:
                    yield record
        except csv.Error as error:
            records.refuse(path, f"after line {rows.line_num}", f"not CSV: {error}")
        except UnicodeDecodeError:
            records.refuse(path, f"after line {rows.line_num}", "not UTF-8 text")


def _check(path: Path, columns: set[str]) -> None:
    missing = sorted({"image_path", "label"} - columns)
    if "geometry" not in columns:
        missing += [name for name in _CORNERS if name not in columns]
    if missing:
        records.refuse(path, "line 1", f"no column {', '.join(missing)}")


def _row(path: Path, line: int, row: dict[str, str]) -> AnnotationRecord | None:
    place = f"line {line}"
    name = records.item_name(path, place, row["image_path"].strip())
    rest = {
        key: value for key, value in row.items() if value and key not in {"image_path", "label", "geometry", *_CORNERS}
    }
    if all(row.get(key) for key in _CORNERS):
        corners = [records.number(path, place, key, row[key]) for key in _CORNERS]
        if corners == [0, 0, 0, 0]:
            return None
        return records.from_corners(path, place, name, row["label"], corners, rest)
    if not row.get("geometry"):
        records.refuse(path, place, "no box and no geometry")
    try:
        shape = shapely.from_wkt(row["geometry"])
    except shapely.errors.ShapelyError:
        records.refuse(path, place, "the geometry is not WKT")
    if not isinstance(shape, shapely.Polygon):
        records.refuse(path, place, f"the geometry is a {shape.geom_type}, not a Polygon")
    rings = [[(float(x), float(y)) for x, y in ring.coords] for ring in (shape.exterior, *shape.interiors)]
    return records.from_rings(path, place, name, row["label"], rings, rest)
